package codeserver

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"

	"dagnix/runtime/internal/dagster"
)

//go:embed check.py
var checkProgram string

// request names a project to check.py.
type request struct {
	Folder  string `json:"folder"`
	Modules string `json:"modules"`
	Option  string `json:"option"`
	Module  string `json:"module"`
}

// Checker loads the project's code in throwaway processes.
type Checker struct {
	process *exec.Cmd
	input   io.WriteCloser
	output  *bufio.Reader
}

// NewChecker starts Python and has it import Dagster, so that checks are quick. What the code prints
// goes to log.
func NewChecker(ctx context.Context, log io.Writer) (*Checker, error) {
	process := exec.CommandContext(ctx, "python", "-c", checkProgram)
	process.Stderr = log
	input, err := process.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := process.Start(); err != nil {
		return nil, fmt.Errorf("cannot start Python: %w", err)
	}
	return &Checker{process, input, bufio.NewReader(output)}, nil
}

// Close ends the processes.
func (c *Checker) Close() error {
	return errors.Join(c.input.Close(), c.process.Wait())
}

// Check loads the code as it is now. With pass, code that is well is just what the next inner server
// takes that is started, whatever is edited meanwhile.
func (c *Checker) Check(pass bool) (*dagster.Location, error) {
	folder := Folder()
	if Snapshots() == "" {
		return c.load(folder)
	}
	snapshot, err := take(folder, Snapshots())
	if err != nil {
		return nil, err
	}
	location, err := c.load(snapshot)
	if err != nil || !pass {
		return location, errors.Join(err, remove(snapshot))
	}
	return location, offer(snapshot)
}

func (c *Checker) load(folder string) (*dagster.Location, error) {
	found, err := readProject(folder)
	if err != nil {
		return nil, errors.New(string(AsMounted([]byte(err.Error()))))
	}
	option := strings.ReplaceAll(strings.TrimPrefix(found.option, "--"), "-", "_")
	line, err := json.Marshal(request{folder, modules(folder), option, found.module})
	if err != nil {
		return nil, err
	}
	if _, err := c.input.Write(append(line, '\n')); err != nil {
		return nil, fmt.Errorf("the process that checks the code has ended: %w", err)
	}
	reply, err := c.output.ReadBytes('\n')
	if err != nil {
		return nil, fmt.Errorf("the process that checks the code has ended: %w", err)
	}
	return dagster.ParseLocation(AsMounted(reply), Folder())
}

// Answer is what is said of one check, as a line of JSON.
type Answer struct {
	Well bool   `json:"well"`
	Says string `json:"says"`
}

// Check loads the code once and returns in a sentence what is served, or why it cannot be.
func Check(ctx context.Context, log io.Writer) (string, error) {
	checker, err := NewChecker(ctx, log)
	if err != nil {
		return "", err
	}
	location, err := checker.Check(false)
	if err := errors.Join(err, checker.Close()); err != nil {
		return "", err
	}
	return sentence(location), nil
}

func sentence(location *dagster.Location) string {
	return fmt.Sprintf("the code loads (%s)", strings.Join(location.Modules, ", "))
}

// CheckEachLine answers each line of input with an [Answer] about the code at that time. Code that is
// well is what the next inner server takes.
func CheckEachLine(ctx context.Context, input io.Reader, output, log io.Writer) error {
	checker, err := NewChecker(ctx, log)
	if err != nil {
		return err
	}
	answers := json.NewEncoder(output)
	lines := bufio.NewScanner(input)
	for lines.Scan() {
		answer := Answer{Well: true}
		if location, err := checker.Check(true); err != nil {
			answer = Answer{Says: err.Error()}
		} else {
			answer.Says = sentence(location)
		}
		if err := answers.Encode(answer); err != nil {
			return err
		}
	}
	return errors.Join(lines.Err(), checker.Close())
}
