// Package launch replaces this process with another program.
package launch

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// Become replaces this process with the command, found on PATH, so that the command gets the
// container's signals as PID 1. It returns only if that fails.
func Become(command []string) error {
	program, err := exec.LookPath(command[0])
	if err != nil {
		cause := err
		if inner := new(exec.Error); errors.As(err, &inner) {
			cause = inner.Err
		}
		return fmt.Errorf("cannot run %q: %w; PATH is %q", command[0], cause, os.Getenv("PATH"))
	}
	err = syscall.Exec(program, command, os.Environ())
	return fmt.Errorf("cannot run %s: %w", program, err)
}
