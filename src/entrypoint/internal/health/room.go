package health

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"dagnix/runtime/internal/size"
)

// volume is a folder that data is written to, and the name under which its owner knows it.
type volume struct{ name, folder string }

// disk is how much room a file system has, in bytes and in inodes; device is the same for two folders
// on one. Some have no number of inodes: 0.
type disk struct {
	device             uint64
	free, size         uint64
	freeInodes, inodes uint64
}

// threshold is the room below which a disk is too full. For space that is the smaller of bytes and
// percent of the disk; 0 leaves one out. For inodes it is the smaller of inodes and 1/part of all.
type threshold struct {
	bytes        uint64
	percent      float64
	inodes, part uint64
}

// of is the threshold in bytes on a disk of this size.
func (t threshold) of(size uint64) uint64 {
	share := uint64(t.percent / 100 * float64(size))
	if t.percent == 0 {
		return t.bytes
	}
	if t.bytes == 0 {
		return share
	}
	return min(t.bytes, share)
}

// On a large disk a tenth would be more than is needed for months, and on a small one 1 GiB all of it.
var (
	early = threshold{1 << 30, 10, 100_000, 10}
	floor = threshold{200 << 20, 2, 10_000, 50}
)

// Variables that take the place of the thresholds, such as 5g or 8%.
const (
	earlyVariable = "DAGNIX_DISK_WARN"
	floorVariable = "DAGNIX_DISK_FLOOR"
)

// Warning comes before the warning in the line of a service that is healthy now but soon will not be:
// `dagnix status` looks for it.
const Warning = "; warning: "

// withRoom adds to what is well how full the disks of these volumes are. Below the floor it returns an
// error: what writes there fails soon, and Postgres ends.
func withRoom(well string, volumes ...volume) (string, error) {
	return room(well, volumes, measure)
}

func room(well string, volumes []volume, measure func(string) (disk, error)) (string, error) {
	early, err := fromEnvironment(earlyVariable, early)
	if err != nil {
		return "", err
	}
	floor, err := fromEnvironment(floorVariable, floor)
	if err != nil {
		return "", err
	}
	var order []uint64
	disks, names := map[uint64]disk{}, map[uint64][]string{}
	for _, each := range volumes {
		found, err := measure(each.folder)
		if errors.Is(err, fs.ErrNotExist) { // a container that runs by itself may lack one
			continue
		}
		if err != nil {
			return "", fmt.Errorf("the disk of %s cannot be looked at: %w", each.name, err)
		}
		if _, known := disks[found.device]; !known {
			order = append(order, found.device)
		}
		disks[found.device] = found
		names[found.device] = append(names[found.device], each.name)
	}
	for _, device := range order {
		found, of := disks[device], strings.Join(names[device], " and ")
		if says := found.below(floor); says != "" {
			return "", fmt.Errorf("the disk of %s is full: %s. Make room: what writes to it fails (%s)", of, says, floorVariable)
		}
		if says := found.below(early); says != "" {
			well += fmt.Sprintf("%sthe disk of %s is almost full: %s", Warning, of, says)
		}
	}
	return well, nil
}

// Low returns what is wrong with the disks that are almost full, by whose they are, of these folders by
// their names.
func Low(folders map[string]string) (map[string]string, error) {
	early, err := fromEnvironment(earlyVariable, early)
	if err != nil {
		return nil, err
	}
	low, seen := map[string]string{}, map[uint64]bool{}
	for _, name := range slices.Sorted(maps.Keys(folders)) {
		found, err := measure(folders[name])
		if err != nil || seen[found.device] { // one that is not there fills no disk
			continue
		}
		seen[found.device] = true
		if says := found.below(early); says != "" {
			low[name] = says
		}
	}
	return low, nil
}

// below says how much room is left, if that is less than the threshold.
func (d disk) below(limit threshold) string {
	if d.free < limit.of(d.size) {
		return fmt.Sprintf("%s of %s are free", size.Text(d.free), size.Text(d.size))
	}
	if d.inodes > 0 && d.freeInodes < min(limit.inodes, d.inodes/limit.part) {
		return fmt.Sprintf("%d of %d inodes are free", d.freeInodes, d.inodes)
	}
	return ""
}

func fromEnvironment(variable string, fallback threshold) (threshold, error) {
	text := os.Getenv(variable)
	if text == "" {
		return fallback, nil
	}
	if number, found := strings.CutSuffix(text, "%"); found {
		if percent, err := strconv.ParseFloat(number, 64); err == nil && percent >= 0 && percent < 100 {
			return threshold{0, percent, fallback.inodes, fallback.part}, nil
		}
	} else if bytes, err := size.Parse(text); err == nil {
		return threshold{bytes, 0, fallback.inodes, fallback.part}, nil
	}
	return fallback, fmt.Errorf("%s is %q: give a size, such as 2g, or a part of the disk, such as 5%%", variable, text)
}

func measure(folder string) (disk, error) {
	var file syscall.Stat_t
	if err := syscall.Stat(folder, &file); err != nil {
		return disk{}, err
	}
	var found syscall.Statfs_t
	if err := syscall.Statfs(folder, &found); err != nil {
		return disk{}, err
	}
	block := uint64(found.Frsize)
	return disk{
		device:     file.Dev,
		free:       found.Bavail * block, // what is reserved for root is not for containers
		size:       found.Blocks * block,
		freeInodes: found.Ffree,
		inodes:     found.Files,
	}, nil
}
