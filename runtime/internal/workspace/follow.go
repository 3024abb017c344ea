package workspace

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"
)

const (
	// look is the time between two looks at the file.
	look = 100 * time.Millisecond
	// settled is for the daemon: several code servers may start together, and it starts again once.
	settled = 600 * time.Millisecond
	// answer limits a reload of the webserver's workspace, which asks all code servers.
	answer = 2 * time.Minute
)

// programs are Dagster's that read the file, and how each takes a change over.
var programs = map[string]reader{
	"dagster-webserver": {0, reloadWebserver},
	"dagster-daemon":    {settled, endDaemon},
}

type reader struct {
	// patience is how long the file has to be the same.
	patience time.Duration
	takeOver func(context.Context) error
}

// Read has a command of Dagster's read the file, if it is one that does, and starts a process beside
// it that has it take over each change.
func (w Workspace) Read(command []string, log io.Writer) ([]string, error) {
	if w == "" || !Follows(command[0]) || !slices.Contains(command, "--workspace") {
		return command, nil
	}
	if err := w.Prepare(); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(w.File())
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	// What the program reads is at least as new as this.
	follower := exec.Command(self, "follow", command[0])
	follower.Stdin, follower.Stdout, follower.Stderr = bytes.NewReader(nil), log, log
	follower.Env = append(os.Environ(), read+"="+string(text))
	if err := follower.Start(); err != nil {
		return nil, fmt.Errorf("cannot start the process that follows the workspace: %w", err)
	}
	return append(command, "--workspace", w.File()), follower.Process.Release()
}

// read is the environment variable with the file's text when its reader was started.
const read = "DAGNIX_WORKSPACE_READ"

// Follows tells whether a program takes changes over.
func Follows(program string) bool { return programs[program].takeOver != nil }

// Follow has the program, the parent of this process, take over each change of the file. It ends with
// the program.
func (w Workspace) Follow(ctx context.Context, program string, log io.Writer) {
	taken := os.Getenv(read)
	before, since := taken, time.Now()
	for parent := os.Getppid(); os.Getppid() == parent; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(look):
		}
		text, err := os.ReadFile(w.File())
		if err != nil {
			continue
		}
		now := string(text)
		if now != before {
			before, since = now, time.Now()
		}
		if now == taken || time.Since(since) < programs[program].patience {
			continue
		}
		if err := programs[program].takeOver(ctx); err != nil {
			fmt.Fprintf(log, "runtime: the workspace has changed; %v\n", err)
			continue
		}
		taken = now
	}
}

// endDaemon has podman start the daemon again. By itself it reads the workspace once a minute (Dagster
// 1.13), and until then launches runs where the code was served before.
func endDaemon(context.Context) error {
	return syscall.Kill(os.Getppid(), syscall.SIGTERM)
}

const reloadWorkspace = `{"query": "mutation { reloadWorkspace { __typename ... on PythonError { message } } }"}`

// reloadWebserver has the webserver read the file again. It fails until the webserver listens.
func reloadWebserver(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answer)
	defer cancel()
	address := "http://127.0.0.1:3000/graphql" // nix/images.nix
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader([]byte(reloadWorkspace)))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := new(http.Transport).RoundTrip(request) // no proxy from the environment
	if err != nil {
		return fmt.Errorf("the webserver does not answer: %w", err)
	}
	defer response.Body.Close()
	var done struct {
		Data struct {
			Reload struct {
				Type    string `json:"__typename"`
				Message string `json:"message"`
			} `json:"reloadWorkspace"`
		} `json:"data"`
	}
	if err := json.NewDecoder(response.Body).Decode(&done); err != nil {
		return fmt.Errorf("the webserver does not answer as Dagster's: %w", err)
	}
	if done.Data.Reload.Type != "Workspace" {
		return fmt.Errorf("the webserver does not reload it: %s %s", done.Data.Reload.Type, done.Data.Reload.Message)
	}
	return nil
}
