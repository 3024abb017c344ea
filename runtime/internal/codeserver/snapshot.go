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
	"time"

	"dagnix/runtime/internal/workspace"
)

// A mounted folder changes under the code that is served from it: runs, and each step of a run, are
// processes that import the modules anew. So each inner code server has a copy of the folder, a
// snapshot, and its runs keep to that to their end.

// spared is how many of the last snapshots are kept although no process uses them: one may be under
// way to a server.
const spared = 3

// checked is the link to the snapshot that the next inner server is to take.
const checked = "checked"

// leftOut are folders that are large and that the image's Python does not import, beside hidden ones.
var leftOut = []string{"__pycache__", "node_modules", "venv"}

// began is when this process did.
var began = time.Now()

// Snapshots is the folder of this container's snapshots; "" means that the code does not change under
// the server.
func Snapshots() string {
	if all := os.Getenv("DAGNIX_PIPES_SNAPSHOTS"); all != "" {
		return filepath.Join(all, Host())
	}
	return ""
}

// PrepareSnapshots removes the snapshots of an earlier server, and those of containers that are gone.
func PrepareSnapshots(ctx context.Context) error {
	store := Snapshots()
	if store == "" {
		return nil
	}
	return errors.Join(removeEarlier(store), removeOthers(ctx, store))
}

// Python becomes Python with these arguments. If they are those of an inner server, it gets the settings
// and secrets that there are now. If the code is served from snapshots, too, one takes the place of the
// folder in them and in the environment: the one that was checked, or if there is none, one made now.
// It returns only if that fails.
func Python(arguments []string) error {
	if !isInnerServer(arguments) {
		return python(arguments)
	}
	if err := ExportVariables(); err != nil {
		return err
	}
	if Snapshots() == "" {
		return python(arguments)
	}
	snapshot, err := takeChecked(Snapshots())
	if err != nil {
		return err
	}
	if snapshot == "" {
		if snapshot, err = take(Folder(), Snapshots()); err != nil {
			return err
		}
	}
	if err := os.Chdir(snapshot); err != nil {
		return err
	}
	moved := func(path string) string {
		if inside, err := filepath.Rel(Folder(), path); err == nil && filepath.IsLocal(inside) {
			return filepath.Join(snapshot, inside)
		}
		return path
	}
	path := filepath.SplitList(os.Getenv("PYTHONPATH"))
	for i := range path {
		path[i] = moved(path[i])
	}
	if err := os.Setenv("PYTHONPATH", strings.Join(path, string(os.PathListSeparator))); err != nil {
		return err
	}
	var rest []string
	for _, argument := range arguments {
		rest = append(rest, moved(argument))
	}
	return python(rest)
}

// AsMounted names files in snapshots by their path in the folder.
func AsMounted(text []byte) []byte {
	store := Snapshots()
	if store == "" {
		return text
	}
	inside := regexp.MustCompile(regexp.QuoteMeta(filepath.Clean(store)) + `/[0-9]+`)
	return inside.ReplaceAllLiteral(text, []byte(Folder()))
}

// take copies the folder to a new snapshot, and removes old ones that no process uses.
func take(folder, store string) (string, error) {
	if err := os.MkdirAll(store, 0o755); err != nil {
		return "", err
	}
	if err := removeUnused(store); err != nil {
		return "", err
	}
	snapshot := filepath.Join(store, strconv.FormatInt(time.Now().UnixNano(), 10))
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
	if err != nil {
		if errors.Is(err, fs.ErrPermission) {
			err = unreadable(folder, err)
		}
		return "", errors.Join(err, remove(snapshot))
	}
	return snapshot, nil
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

// offer makes a snapshot the one that the next inner server takes.
func offer(snapshot string) error {
	store := filepath.Dir(snapshot)
	beside := filepath.Join(store, fmt.Sprintf("%s-%d", checked, os.Getpid()))
	if err := os.Symlink(filepath.Base(snapshot), beside); err != nil {
		return err
	}
	return os.Rename(beside, filepath.Join(store, checked))
}

// takeChecked returns the snapshot that was offered, or "" if none was. It is taken once.
func takeChecked(store string) (string, error) {
	taken := filepath.Join(store, fmt.Sprintf("taken-%d", os.Getpid()))
	if err := os.Rename(filepath.Join(store, checked), taken); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return "", nil
		}
		return "", err
	}
	name, err := os.Readlink(taken)
	if err != nil {
		return "", err
	}
	return filepath.Join(store, name), os.Remove(taken)
}

// removeUnused removes snapshots that no process is in or has in its environment, except the last few.
func removeUnused(store string) error {
	entries, err := os.ReadDir(store)
	if err != nil {
		return err
	}
	var snapshots []string // sorted by name, so by age
	for _, entry := range entries {
		if entry.IsDir() {
			snapshots = append(snapshots, filepath.Join(store, entry.Name()))
		}
	}
	if len(snapshots) <= spared {
		return nil
	}
	environments, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		return err
	}
	var used strings.Builder
	for _, file := range environments {
		// A process that has just ended has none.
		content, _ := os.ReadFile(file)
		used.Write(content)
		// What is shown of a fork's environment is that of the process that it is a fork of.
		folder, _ := os.Readlink(filepath.Join(filepath.Dir(file), "cwd"))
		used.WriteString(folder + "\x00")
	}
	for _, snapshot := range snapshots[:len(snapshots)-spared] {
		if strings.Contains(used.String(), snapshot) {
			continue
		}
		if err := remove(snapshot); err != nil {
			return err
		}
	}
	return nil
}

// removeEarlier removes all that was there before this process: another server's snapshots, but not
// that of a check which has begun since.
func removeEarlier(store string) error {
	entries, err := os.ReadDir(store)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, entry := range entries {
		if made, err := strconv.ParseInt(entry.Name(), 10, 64); err == nil && made >= began.UnixNano() {
			continue
		}
		if err := remove(filepath.Join(store, entry.Name())); err != nil {
			return err
		}
	}
	return err
}

// removeOthers removes the snapshots of containers that are gone.
func removeOthers(ctx context.Context, store string) error {
	ctx, cancel := context.WithTimeout(ctx, lookup)
	defer cancel()
	all := filepath.Dir(store)
	entries, err := os.ReadDir(all)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, entry := range entries {
		if entry.Name() == filepath.Base(store) || !workspace.Gone(ctx, entry.Name()) {
			continue
		}
		if err := remove(filepath.Join(all, entry.Name())); err != nil {
			return err
		}
	}
	return err
}

func remove(folder string) error {
	if err := os.RemoveAll(folder); err != nil {
		return fmt.Errorf("cannot remove old snapshots of the code: %w", err)
	}
	return nil
}
