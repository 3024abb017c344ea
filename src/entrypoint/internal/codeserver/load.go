package codeserver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"

	"dagnix/runtime/internal/dagster"
	"dagnix/runtime/internal/runserver"
)

// LoadError returns why code did not load, from what the run server says of it; nil if it says nothing.
func LoadError(said json.RawMessage) error {
	if len(said) == 0 || string(said) == "null" {
		return nil
	}
	var text string
	if json.Unmarshal(said, &text) == nil {
		return &dagster.LoadError{Sentence: strings.TrimPrefix(strings.TrimSpace(text), "runtime: ")}
	}
	if _, err := dagster.ParseLocation(AsMounted(said), Folder()); err != nil {
		return err
	}
	return fmt.Errorf("the run server's error is unknown: %s", said)
}

// Check loads the code as it is now in a process of its own, which serves nobody. If it does not load,
// the error says why.
func Check(ctx context.Context, log io.Writer) error {
	code, err := Prepare(ctx, nil)
	if err != nil {
		return &dagster.LoadError{Sentence: err.Error()}
	}
	defer removeGeneration(code.Generation)
	load, err := json.Marshal(code)
	if err != nil {
		return err
	}
	check := exec.CommandContext(ctx, "python", "-P", "-m", "dagster_dagnix.check")
	check.Stdin, check.Stderr = bytes.NewReader(load), log
	said, err := check.Output()
	if len(said) > 0 {
		return LoadError(said)
	}
	return err
}

// Reload serves the code as it is now, and returns in a sentence what that is. If it does not load, what
// was served goes on, and the error says why.
func Reload(ctx context.Context) (string, error) {
	state, err := runserver.Ask(ctx, Location(), "reload")
	if refusal := new(runserver.Refusal); errors.As(err, &refusal) {
		return "", LoadError(refusal.Said)
	}
	if err != nil {
		return "", err
	}
	socket := filepath.Join(runserver.Folder(), Location(), state.Code.Socket)
	reply, err := dagster.ListRepositories(ctx, socket)
	if err != nil {
		return "", err
	}
	location, err := dagster.ParseLocation(AsMounted(reply), Folder())
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s the code loads (%s)", state.Code.Socket, strings.Join(location.Modules, ", ")), nil
}
