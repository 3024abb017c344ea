package workspace

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"

	"dagnix/runtime/internal/dagster"
)

const (
	// look is the time between two looks whether the daemon is still there, and at the file itself.
	look = 10 * time.Second
	// settled is how long nothing may change: several code servers may start together, and the daemon
	// starts again once.
	settled = 600 * time.Millisecond
)

//go:embed refresh.py
var refresh string

// Read has a command of Dagster's read the file, if it is one that does. Beside the daemon it starts a
// process that ends it at each change: the webserver takes changes over in its own process, see
// [Workspace.Refresh].
func (w Workspace) Read(command []string, log io.Writer) ([]string, error) {
	reads := command[0] == "dagster-webserver" || command[0] == "dagster-daemon"
	if w == "" || !reads || !slices.Contains(command, "--workspace") {
		return command, nil
	}
	if err := w.Prepare(); err != nil {
		return nil, err
	}
	if command[0] == "dagster-daemon" {
		if err := w.startFollower(log); err != nil {
			return nil, err
		}
	}
	return append(command, "--workspace", w.File()), nil
}

// Refresh has the webserver, which a command that [Workspace.Read] has returned becomes, take over each
// change of the file.
func (w Workspace) Refresh(command []string) ([]string, error) {
	if w == "" || !slices.Contains(command, w.File()) {
		return command, nil
	}
	return dagster.Before(command, refresh, w.File())
}

func (w Workspace) startFollower(log io.Writer) error {
	text, err := os.ReadFile(w.File())
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	// What the daemon reads is at least as new as this.
	follower := exec.Command(self, "follow")
	follower.Stdin, follower.Stdout, follower.Stderr = bytes.NewReader(nil), log, log
	follower.Env = append(os.Environ(), read+"="+string(text))
	if err := follower.Start(); err != nil {
		return fmt.Errorf("cannot start the process that follows the workspace: %w", err)
	}
	return follower.Process.Release()
}

// read is the environment variable with the file's text when its reader was started.
const read = "DAGNIX_WORKSPACE_READ"

// Follow ends the daemon, the parent of this process, when the file has changed, and podman starts it
// again. By itself it reads the workspace once a minute (Dagster 1.13), and until then launches runs
// where the code was served before. It ends with the daemon.
func (w Workspace) Follow(ctx context.Context, log io.Writer) error {
	changes, err := watch(string(w))
	if err != nil {
		return fmt.Errorf("cannot follow the workspace in %s, which the daemon now reads once a minute: %w", w, err)
	}
	defer changes.Close()
	defer context.AfterFunc(ctx, func() { changes.Close() })()
	taken := os.Getenv(read)
	for parent := os.Getppid(); os.Getppid() == parent; {
		text, err := os.ReadFile(w.File())
		now := string(text)
		differs := err == nil && now != taken
		limit := look
		if differs {
			limit = settled
		}
		changed, err := changes.within(limit)
		if err != nil {
			return nil // this process is to end
		}
		if changed || !differs {
			continue
		}
		if err := syscall.Kill(parent, syscall.SIGTERM); err != nil {
			fmt.Fprintf(log, "runtime: the workspace has changed; the daemon does not end: %v\n", err)
			continue
		}
		taken = now
	}
	return nil
}
