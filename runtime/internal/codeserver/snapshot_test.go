package codeserver

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// mounted makes a project folder with these files, and an empty folder for snapshots.
func mounted(t *testing.T, files ...string) (folder, store string) {
	t.Helper()
	folder, store = t.TempDir(), filepath.Join(t.TempDir(), "snapshots")
	for _, name := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("DAGNIX_PIPES_DIR", folder)
	t.Setenv("DAGNIX_PIPES_SNAPSHOTS", store)
	return folder, store
}

func TestTakeCopiesTheProjectAndLeavesOutWhatIsNoCode(t *testing.T) {
	folder, store := mounted(t, "pyproject.toml", "src/a/b.py", ".env", ".git/HEAD", ".venv/lib/x.py", "src/a/__pycache__/b.pyc")
	if err := os.Symlink("src/a", filepath.Join(folder, "link")); err != nil {
		t.Fatal(err)
	}
	snapshot, err := take(folder, store)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	err = fs.WalkDir(os.DirFS(snapshot), ".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			found = append(found, path)
		}
		return err
	})
	if got := strings.Join(found, " "); err != nil || got != ".env link pyproject.toml src/a/b.py" {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestACheckedSnapshotIsTakenOnce(t *testing.T) {
	folder, store := mounted(t, "a.py")
	first, _ := take(folder, store)
	second, err := take(folder, store)
	if err != nil {
		t.Fatal(err)
	}
	for _, snapshot := range []string{first, second} {
		if err := offer(snapshot); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{second, ""} {
		if got, err := takeChecked(store); got != want || err != nil {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
}

func TestOldSnapshotsThatNothingUsesAreRemoved(t *testing.T) {
	folder, store := mounted(t, "a.py")
	var taken []string
	for range spared + 2 {
		snapshot, err := take(folder, store)
		if err != nil {
			t.Fatal(err)
		}
		taken = append(taken, snapshot)
	}
	for i, snapshot := range taken {
		_, err := os.Stat(snapshot)
		if gone := errors.Is(err, fs.ErrNotExist); gone != (i == 0) {
			t.Errorf("snapshot %d: gone is %t", i, gone)
		}
	}
}

func TestPathsInSnapshotsAreShownAsMounted(t *testing.T) {
	folder, store := mounted(t)
	text := AsMounted([]byte(`File "` + store + `/1764/src/a.py", line 3`))
	if want := `File "` + folder + `/src/a.py", line 3`; string(text) != want {
		t.Errorf("got %s", text)
	}
}

func TestAnEarlierServersSnapshotsAreRemoved(t *testing.T) {
	folder, store := mounted(t)
	old := filepath.Join(store, "1764")
	if err := os.MkdirAll(old, 0o755); err != nil {
		t.Fatal(err)
	}
	checking, err := take(folder, store)
	if err != nil {
		t.Fatal(err)
	}
	if err := PrepareSnapshots(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an earlier server's snapshot is there: %v", err)
	}
	if _, err := os.Stat(checking); err != nil {
		t.Errorf("a check's snapshot is gone: %v", err)
	}
}
