package codeserver

import (
	"errors"
	"io/fs"
	"net"
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
	snapshot := filepath.Join(store, "1")
	if err := take(folder, snapshot); err != nil {
		t.Fatal(err)
	}
	var found []string
	err := fs.WalkDir(os.DirFS(snapshot), ".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			found = append(found, path)
		}
		return err
	})
	if got := strings.Join(found, " "); err != nil || got != ".env link pyproject.toml src/a/b.py" {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestOldSnapshotsThatNothingUsesAreRemoved(t *testing.T) {
	mounted(t, "definitions.py")
	t.Setenv("DAGNIX_SOCKETS", t.TempDir())
	var taken []Code
	for range spared + 3 {
		// The run server still uses the first.
		var used []string
		if len(taken) > 0 {
			used = append(used, taken[0].Generation)
		}
		code, err := Prepare(t.Context(), used)
		if err != nil {
			t.Fatal(err)
		}
		taken = append(taken, code)
	}
	for i, code := range taken {
		_, err := os.Stat(code.Folder)
		if gone := errors.Is(err, fs.ErrNotExist); gone != (i == 1 || i == 2) {
			t.Errorf("snapshot %d: gone is %t", i, gone)
		}
	}
}

func TestSnapshotsOfContainersThatAreGoneAreRemoved(t *testing.T) {
	_, store := mounted(t, "definitions.py")
	sockets := t.TempDir()
	t.Setenv("DAGNIX_SOCKETS", sockets)
	if err := os.Mkdir(filepath.Join(sockets, "pipes"), 0o755); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", filepath.Join(sockets, "pipes", "run-there-1.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for _, host := range []string{"there", "gone"} {
		if err := os.MkdirAll(filepath.Join(store, host, "1764000000000000000"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Prepare(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]bool{"there": true, "gone": false} {
		left, _ := filepath.Glob(filepath.Join(store, host, "*"))
		if (len(left) == 1) != want {
			t.Errorf("%s has %v", host, left)
		}
	}
}

func TestWhatARunNamesIsASnapshot(t *testing.T) {
	body := `{"working_directory": "/var/lib/dagster/snapshots/0123456789ab/1764000000000000000/src", "x": 1}`
	if got := snapshotPath.FindString(body); got != "/var/lib/dagster/snapshots/0123456789ab/1764000000000000000" {
		t.Errorf("got %q", got)
	}
}

func TestPathsInSnapshotsAreShownAsMounted(t *testing.T) {
	folder, _ := mounted(t)
	text := AsMounted([]byte(`File "` + Snapshots() + `/1764/src/a.py", line 3`))
	if want := `File "` + folder + `/src/a.py", line 3`; string(text) != want {
		t.Errorf("got %s", text)
	}
}
