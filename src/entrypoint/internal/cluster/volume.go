package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// versionFile is in every database cluster and holds its major version.
const versionFile = "PG_VERSION"

// lock makes sure that no other server uses the volume. Postgres's own postmaster.pid cannot tell
// when the other one runs in another container. The file stays open, also in the server that this
// process becomes, so the kernel lets go of the lock when the server ends, however it ends.
func (c *cluster) lock() error {
	path := filepath.Join(c.volume, "in-use")
	// Not os.OpenFile: its files are closed when this process becomes the server.
	file, err := syscall.Open(path, syscall.O_CREAT|syscall.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("the volume at %s cannot be written by uid %d (%w): is it mounted, and does it belong to that uid?", c.volume, os.Getuid(), err)
	}
	err = syscall.Flock(file, syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return fmt.Errorf("another Postgres server uses the volume at %s: stop it first", c.volume)
	}
	if err != nil {
		return fmt.Errorf("cannot lock %s: %w", path, err)
	}
	// A server that was killed has left it. Where Postgres is not process 1, as with a log of JSON, its number
	// may be that of another process by now, which Postgres would take for a server.
	if err := os.Remove(filepath.Join(c.folder(), "postmaster.pid")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("cannot remove what a killed Postgres has left: %w", err)
	}
	return nil
}

// refuseOtherVersions ends the start when the volume holds the data of another major version: a
// server must neither touch it nor start beside it with an empty cluster.
func (c *cluster) refuseOtherVersions() error {
	inFolders, err := filepath.Glob(filepath.Join(c.volume, "*", versionFile))
	if err != nil {
		return err
	}
	for _, path := range append(inFolders, filepath.Join(c.volume, versionFile)) {
		content, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("cannot tell the version of the data in the volume: %w", err)
		}
		found, folder := strings.TrimSpace(string(content)), filepath.Dir(path)
		if folder == c.partial() {
			continue
		}
		if found != c.major {
			return fmt.Errorf("%s holds data of PostgreSQL %s, and this image runs %s: use an image with %s, and restore a backup that it makes into an instance of another name (docs/howto/backup-and-restore.md)", folder, strconv.Quote(found), c.major, found)
		}
		if folder != c.folder() {
			return fmt.Errorf("%s holds a database cluster where Dagnix keeps none: move it to %s", folder, c.folder())
		}
	}
	return nil
}

// partial is where a new cluster stands until it is whole.
func (c *cluster) partial() string { return c.folder() + ".partial" }

// initialise makes the cluster if the volume has none.
func (c *cluster) initialise(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(c.folder(), versionFile)); err == nil {
		return nil
	}
	if _, err := os.Stat(c.folder()); err == nil {
		return fmt.Errorf("%s is there but is no database cluster (it has no %s): restore it, or remove it to start anew", c.folder(), versionFile)
	}
	fmt.Fprintf(c.log, "runtime: first start: making a PostgreSQL %s cluster in %s\n", c.major, c.folder())
	if err := os.RemoveAll(c.partial()); err != nil {
		return fmt.Errorf("cannot remove what an interrupted start left: %w", err)
	}
	arguments := []string{
		"--pgdata", c.partial(),
		"--username", Superuser,
		"--auth-local", "peer",
		"--auth-host", "scram-sha-256",
		"--encoding", "UTF8",
		"--data-checksums",
		"--locale", "C.UTF-8",
	}
	// From 17 on Postgres has this locale built in: text sorts the same for ever, whatever glibc a
	// later image brings.
	if major, err := strconv.Atoi(c.major); err == nil && major >= 17 {
		arguments = append(arguments, "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8")
	}
	output, err := c.execute(ctx, "", "initdb", arguments...)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return c.failure("the database cluster cannot be made", output, err)
	}
	// initdb has flushed the files to disk; the new name must get there too.
	if err := os.Rename(c.partial(), c.folder()); err != nil {
		return err
	}
	return flush(c.volume)
}

func flush(folder string) error {
	directory, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer directory.Close()
	return directory.Sync()
}
