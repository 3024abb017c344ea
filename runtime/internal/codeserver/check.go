package codeserver

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"dagnix/runtime/internal/dagster"
)

//go:embed check.py
var checkProgram string

// dependenciesProgram is what check.py reads the project's dependencies with.
//
//go:embed dependencies.py
var dependenciesProgram string

// request names a project to check.py.
type request struct {
	Folder  string `json:"folder"`
	Modules string `json:"modules"`
	// Target is a LoadableTargetOrigin without its working directory.
	Target map[string]string `json:"target"`
	// Variables are the settings and secrets.
	Variables map[string]string `json:"variables"`
}

// Checker loads the project's code in throwaway processes.
type Checker struct {
	input  io.WriteCloser
	output io.ReadCloser
	lines  *bufio.Reader
	// wait waits for the end of the process that they are forks of.
	wait func() error
}

// NewChecker starts a Python that has imported Dagster or does so, so that checks are quick. What the
// code prints goes to log.
func NewChecker(ctx context.Context, log *os.File) (*Checker, error) {
	theirInput, input, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirInput.Close()
	output, theirOutput, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirOutput.Close()
	checker := &Checker{input: input, output: output, lines: bufio.NewReader(output)}
	files := map[int]int{0: int(theirInput.Fd()), 1: int(theirOutput.Fd()), 2: int(log.Fd())}
	if began, err := newFork("check", checkProgram, []string{dependenciesProgram}, files); err == nil {
		checker.wait = func() error { return failed(began.wait()) }
		return checker, nil
	}
	process := exec.CommandContext(ctx, "python", "-c", checkProgram, dependenciesProgram)
	process.Stdin, process.Stdout, process.Stderr = theirInput, theirOutput, log
	if err := process.Start(); err != nil {
		return nil, fmt.Errorf("cannot start Python: %w", err)
	}
	checker.wait = process.Wait
	return checker, nil
}

func failed(code int) error {
	if code == 0 {
		return nil
	}
	return fmt.Errorf("the process that checks the code has ended with exit code %d", code)
}

// Close ends the processes.
func (c *Checker) Close() error {
	return errors.Join(c.input.Close(), c.wait(), c.output.Close())
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
	target := map[string]string{option: found.target}
	if found.attribute != "" {
		target["attribute"] = found.attribute
	}
	secrets, variables, err := takeVariables()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(secrets)
	line, err := json.Marshal(request{folder, found.modules, target, variables})
	if err != nil {
		return nil, err
	}
	if _, err := c.input.Write(append(line, '\n')); err != nil {
		return nil, fmt.Errorf("the process that checks the code has ended: %w", err)
	}
	reply, err := c.lines.ReadBytes('\n')
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
func Check(ctx context.Context, log *os.File) (string, error) {
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
func CheckEachLine(ctx context.Context, input io.Reader, output io.Writer, log *os.File) error {
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
