package codeserver

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"time"

	"dagnix/runtime/internal/dagster"
)

const (
	// look is the time between two looks; one costs 5 ms of CPU.
	look = 5 * time.Second
	// answer limits one.
	answer = 4 * time.Second
	// load limits the loading of the code by a new inner server.
	load = 5 * time.Minute
)

// StartGuard starts [Guard] beside the code server that this process becomes.
func StartGuard(log io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	guard := exec.Command(self, "guard")
	guard.Stdout, guard.Stderr = log, log
	if err := guard.Start(); err != nil {
		return fmt.Errorf("cannot start the code server's guard: %w", err)
	}
	return guard.Process.Release()
}

// Guard has the code server start a new inner server when its inner server has ended, which it does
// not do by itself (Dagster 1.13). Runs are processes of their own and go on. It also sees to it that
// the location is served here when the code server that served it is gone. It ends with the code
// server, its parent.
func Guard(ctx context.Context, log io.Writer) {
	address := net.JoinHostPort("127.0.0.1", Port())
	parent := os.Getppid()
	ended, location := false, new(claim)
	for os.Getppid() == parent {
		select {
		case <-ctx.Done():
			return
		case <-time.After(look):
		}
		if err := location.make(ctx); err != nil {
			fmt.Fprintf(log, "runtime: the code location is not registered: %v\n", err)
		}
		before := ended
		// The second look is not at an inner server that was just being replaced.
		if ended = innerHasEnded(ctx, address); !ended || !before {
			continue
		}
		fmt.Fprintln(log, "runtime: the inner code server has ended; a new one is started")
		reload, cancel := context.WithTimeout(ctx, load)
		if err := dagster.ReloadCode(reload, address); err != nil && innerHasEnded(ctx, address) {
			fmt.Fprintf(log, "runtime: no new inner code server: %v\n", err)
		}
		cancel()
		ended = false
	}
}

func innerHasEnded(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, answer)
	defer cancel()
	_, err := dagster.ListRepositories(ctx, address)
	return dagster.InnerHasEnded(err)
}
