// Package health holds a check for each service but gate and alerts. A check is honest and costs a few milliseconds of
// CPU: it asks the service itself and starts no Python.
package health

import (
	"context"
	"errors"
	"strings"
	"time"

	"dagnix/runtime/internal/dagster"
)

// Check returns a sentence if the service is healthy, and an error that says what is wrong if not.
type Check func(context.Context) (string, error)

// Checks by the name of the service.
var Checks = map[string]Check{
	"webserver": checkWebserver,
	"daemon":    checkDaemon,
	"pipes":     checkPipes,
	"postgres":  checkPostgres,
	"backup":    checkBackup,
}

// Timeout of a whole check, less than the 5 s in compose.yaml, so that it can still print its line.
const Timeout = 4 * time.Second

// pause between two checks of a service that is waited for; a check costs 5 ms of CPU.
const pause = 100 * time.Millisecond

// Wait repeats a check until it passes or patience is over, and returns its last answer. It does not
// wait for code that does not load.
func Wait(ctx context.Context, probe Check, patience time.Duration) (string, error) {
	over := time.Now().Add(patience)
	for {
		well, err := once(ctx, probe)
		if err == nil || errors.As(err, new(*dagster.LoadError)) {
			return well, err
		}
		// As it says, also when this process is held up: of two timers that are over one is taken by chance.
		if left := time.Until(over); left > 0 {
			select {
			case <-ctx.Done():
			case <-time.After(min(pause, left)):
				continue
			}
		}
		return "", err
	}
}

// needsCode is the exit code of a check that fails because the code does not load. Docker reserves 2.
const needsCode = 3

// ExitCode is that of a check that found something wrong.
func ExitCode(err error) int {
	if errors.As(err, new(*dagster.LoadError)) {
		return needsCode
	}
	return 1
}

func once(ctx context.Context, probe Check) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	return probe(ctx)
}

// maxLine keeps the line readable where podman and `dagnix status` show it.
const maxLine = 500

// OneLine folds line breaks and cuts what is too long, in characters.
func OneLine(text string) string {
	line := []rune(strings.Join(strings.Fields(text), " "))
	if len(line) > maxLine {
		line = append(line[:maxLine-1], '…')
	}
	return string(line)
}
