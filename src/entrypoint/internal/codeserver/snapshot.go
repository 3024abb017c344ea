package codeserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"dagnix/runtime/internal/dagster"
	"dagnix/runtime/internal/database"
	"dagnix/runtime/internal/runserver"
)

// A mounted folder changes under the code that is served from it: runs, and each step of a run, are
// processes that import the modules anew. So each code server has a copy of the folder, a snapshot, and
// its runs keep to that to their end.

// spared is how many of the last generations are kept although nothing uses them: the dashboard may
// launch a run with the code that it saw a second ago.
const spared = 3

// leftOut are folders that are large and that the image's Python does not import, beside hidden ones.
var leftOut = []string{"__pycache__", "node_modules", "venv"}

// Snapshots is the folder of this container's snapshots; "" means that the code does not change under
// the server.
func Snapshots() string {
	if all := os.Getenv("DAGNIX_PIPES_SNAPSHOTS"); all != "" {
		return filepath.Join(all, runserver.Host())
	}
	return ""
}

// snapshotPath is that of a file or folder in one.
var snapshotPath = regexp.MustCompile(`[^"\\]*/[0-9a-zA-Z_.-]+/[0-9]{16,}`)

// AsMounted names files in snapshots by their path in the folder.
func AsMounted(text []byte) []byte {
	store := Snapshots()
	if store == "" {
		return text
	}
	inside := regexp.MustCompile(regexp.QuoteMeta(filepath.Clean(store)) + `/[0-9]+`)
	return inside.ReplaceAllLiteral(text, []byte(Folder()))
}

// take copies the folder to a new snapshot.
func take(folder, snapshot string) error {
	if err := os.MkdirAll(filepath.Dir(snapshot), 0o755); err != nil {
		return err
	}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path != folder { // an editor's temporary file
			return nil
		}
		if err != nil {
			return err
		}
		inside, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && inside != "." && (strings.HasPrefix(name, ".") || slices.Contains(leftOut, name)) {
			return fs.SkipDir
		}
		return add(path, filepath.Join(snapshot, inside), entry)
	})
	if errors.Is(err, fs.ErrPermission) {
		err = unreadable(folder, err)
	}
	return err
}

func add(source, target string, entry fs.DirEntry) error {
	switch {
	case entry.IsDir():
		return os.Mkdir(target, 0o755)
	case entry.Type()&fs.ModeSymlink != 0:
		place, err := os.Readlink(source)
		if err != nil {
			return err
		}
		return os.Symlink(place, target)
	case entry.Type().IsRegular():
		content, err := os.ReadFile(source)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		// Read-only, as the mount is.
		return os.WriteFile(target, content, 0o444)
	}
	return nil // a socket or the like is nothing to import
}

// removeUnused removes what belongs to generations that are not in use, except the last few, and the
// snapshots of containers that are gone. A snapshot that an unfinished run names stays: one that waits
// in the queue executes the code that it was launched with.
func removeUnused(ctx context.Context, used []string) error {
	for _, generation := range unused(secretCopies(), used) {
		if err := remove(filepath.Join(secretCopies(), generation)); err != nil {
			return err
		}
	}
	if Snapshots() == "" {
		return nil
	}
	old := unusedSnapshots(used)
	if len(old) == 0 {
		return nil
	}
	named, err := namedByRuns(ctx)
	if err != nil {
		return nil // Postgres does not answer: the next reload removes them
	}
	for _, snapshot := range old {
		if slices.Contains(named, snapshot) {
			continue
		}
		if err := remove(snapshot); err != nil {
			return err
		}
	}
	return nil
}

func removeGeneration(generation string) error {
	err := remove(filepath.Join(secretCopies(), generation))
	if Snapshots() != "" {
		err = errors.Join(err, remove(filepath.Join(Snapshots(), generation)))
	}
	return err
}

// unused returns the names of a folder's generations that are not in use, but for the last.
func unused(folder string, used []string) []string {
	entries, _ := os.ReadDir(folder) // sorted by name, so by age
	var all []string
	for _, entry := range entries {
		if _, err := strconv.ParseInt(entry.Name(), 10, 64); err == nil && entry.IsDir() {
			all = append(all, entry.Name())
		}
	}
	all = all[:max(0, len(all)-spared)]
	return slices.DeleteFunc(all, func(each string) bool { return slices.Contains(used, each) })
}

func unusedSnapshots(used []string) []string {
	own := Snapshots()
	var found []string
	for _, generation := range unused(own, used) {
		found = append(found, filepath.Join(own, generation))
	}
	hosts, _ := os.ReadDir(filepath.Dir(own))
	for _, host := range hosts {
		if host.Name() == filepath.Base(own) || runserver.Serves(Location(), host.Name()) {
			continue
		}
		theirs := filepath.Join(filepath.Dir(own), host.Name())
		generations, _ := os.ReadDir(theirs)
		for _, generation := range generations {
			found = append(found, filepath.Join(theirs, generation.Name()))
		}
		if len(generations) == 0 {
			found = append(found, theirs)
		}
	}
	return found
}

// namedByRuns returns the snapshots that unfinished runs name.
func namedByRuns(ctx context.Context) ([]string, error) {
	config, err := database.FromEnvironment("DAGSTER_PG")
	if err != nil || config == nil {
		return nil, err
	}
	bodies, err := dagster.UnfinishedRuns(ctx, config)
	var found []string
	for _, body := range bodies {
		found = append(found, snapshotPath.FindAllString(body, -1)...)
	}
	return found, err
}

func remove(folder string) error {
	if err := os.RemoveAll(folder); err != nil {
		return fmt.Errorf("cannot remove old snapshots of the code: %w", err)
	}
	return nil
}
