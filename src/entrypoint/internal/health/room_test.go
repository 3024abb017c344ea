package health

import (
	"io/fs"
	"strings"
	"testing"
)

const (
	mib = 1 << 20
	gib = 1 << 30
)

func TestRoom(t *testing.T) {
	small := func(free uint64) disk { return disk{device: 1, free: free, size: 2 * gib} }
	large := func(free uint64) disk { return disk{device: 2, free: free, size: 2000 * gib} }
	for name, test := range map[string]struct {
		found        disk
		early, floor string
		want         string
		fails        bool
	}{
		"a tenth of a small disk is free":  {small(205 * mib), "", "", "well", false},
		"less of a small disk":             {small(200 * mib), "", "", "well; warning: the disk of data is almost full: 200.0 MiB of 2.0 GiB are free", false},
		"hardly any of a small disk":       {small(40 * mib), "", "", "the disk of data is full: 40.0 MiB of 2.0 GiB are free. Make room: what writes to it fails (DAGNIX_DISK_FLOOR)", true},
		"1 GiB of a large disk is free":    {large(gib), "", "", "well", false},
		"less of a large disk":             {large(gib - mib), "", "", "well; warning: the disk of data is almost full: 1023.0 MiB of 2000.0 GiB are free", false},
		"hardly any of a large disk":       {large(199 * mib), "", "", "the disk of data is full: 199.0 MiB of 2000.0 GiB are free. Make room: what writes to it fails (DAGNIX_DISK_FLOOR)", true},
		"settings as a size":               {large(3 * gib), "4g", "2g", "well; warning: the disk of data is almost full: 3.0 GiB of 2000.0 GiB are free", false},
		"settings as a part":               {large(3 * gib), "10%", "5%", "the disk of data is full: 3.0 GiB of 2000.0 GiB are free. Make room: what writes to it fails (DAGNIX_DISK_FLOOR)", true},
		"no settings at all":               {small(0), "0", "0", "well", false},
		"a setting that makes no sense":    {small(gib), "much", "", `DAGNIX_DISK_WARN is "much": give a size, such as 2g, or a part of the disk, such as 5%`, true},
		"few inodes":                       {disk{free: gib, size: 2 * gib, freeInodes: 9_000, inodes: 100_000}, "", "", "well; warning: the disk of data is almost full: 9000 of 100000 inodes are free", false},
		"hardly any inode":                 {disk{free: gib, size: 2 * gib, freeInodes: 9, inodes: 100_000}, "", "", "the disk of data is full: 9 of 100000 inodes are free. Make room: what writes to it fails (DAGNIX_DISK_FLOOR)", true},
		"inodes enough, though few of all": {disk{free: gib, size: 2 * gib, freeInodes: 200_000, inodes: 90_000_000}, "", "", "well", false},
	} {
		t.Setenv(earlyVariable, test.early)
		t.Setenv(floorVariable, test.floor)
		got, err := room("well", []volume{{"data", "/data"}}, func(string) (disk, error) { return test.found, nil })
		if err != nil {
			got = err.Error()
		}
		if got != test.want || (err != nil) != test.fails {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}

func TestRoomNamesEachDiskOnce(t *testing.T) {
	folders := map[string]disk{
		"/a": {device: 1, free: 1 * mib, size: gib}, "/b": {device: 2, free: 50 * mib, size: gib}, "/c": {device: 2, free: 50 * mib, size: gib},
	}
	look := func(folder string) (disk, error) {
		if found, there := folders[folder]; there {
			return found, nil
		}
		return disk{}, fs.ErrNotExist
	}
	got, err := room("well", []volume{{"b", "/b"}, {"c", "/c"}, {"none", "/none"}}, look)
	if want := "well; warning: the disk of b and c is almost full: 50.0 MiB of 1.0 GiB are free"; got != want || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := room("well", []volume{{"b", "/b"}, {"a", "/a"}}, look); err == nil || !strings.HasPrefix(err.Error(), "the disk of a is full: ") {
		t.Errorf("got %v", err)
	}
}

func TestRoomOfThisHost(t *testing.T) {
	found, err := measure(t.TempDir())
	if err != nil || found.size == 0 || found.free > found.size {
		t.Errorf("got %+v, %v", found, err)
	}
	if _, err := measure("/no/such/folder"); err == nil {
		t.Error("a folder that is not there was measured")
	}
}
