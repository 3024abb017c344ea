package codeserver

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"dagnix/runtime/internal/dagster"
	"dagnix/runtime/internal/launch"
)

//go:embed forks.py
var forksProgram string

// inner becomes what `python -m dagster` is.
const inner = "import runpy; runpy.run_module('dagster', run_name='__main__', alter_sys=True)"

const (
	// forks is the socket of forks.py.
	forks = "/tmp/dagnix-forks"
	// coming is how long that socket is waited for: the code server may be about to start.
	coming = 5 * time.Second
	pause  = 50 * time.Millisecond
	// gone is the time between two looks whether a fork has ended that nothing else tells of.
	gone = time.Second
	// signalled is what shells add to the number of the signal that ended a program.
	signalled = 128
)

// ThroughForks makes a command that runs Dagster's code server start its inner servers with [Python].
func ThroughForks(command []string) ([]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return dagster.Before(command, forksProgram, forks, self)
}

// fork is a process that had imported Dagster when it began.
type fork struct {
	pid        int
	connection *net.UnixConn
	answers    *bufio.Reader
}

// forkRequest is what forks.py reads.
type forkRequest struct {
	// Name is at most 15 characters, for lists of processes.
	Name        string            `json:"name"`
	Program     string            `json:"program"`
	Arguments   []string          `json:"arguments"`
	Environment map[string]string `json:"environment"`
	Folder      string            `json:"folder"`
}

// newFork runs a Python program with this process's environment and folder, and with these files as
// its standard input, output and error.
func newFork(name, program string, arguments []string, files [3]*os.File) (*fork, error) {
	folder, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	environment := map[string]string{}
	for _, each := range os.Environ() {
		name, value, _ := strings.Cut(each, "=")
		environment[name] = value
	}
	request, err := json.Marshal(forkRequest{name, program, append([]string{}, arguments...), environment, folder})
	if err != nil {
		return nil, err
	}
	connection, err := connect()
	if err != nil {
		return nil, err
	}
	rights := syscall.UnixRights(int(files[0].Fd()), int(files[1].Fd()), int(files[2].Fd()))
	request = append(request, '\n')
	sent, _, err := connection.WriteMsgUnix(request, rights, nil)
	if err == nil && sent < len(request) {
		_, err = connection.Write(request[sent:])
	}
	began := &fork{connection: connection, answers: bufio.NewReader(connection)}
	if err == nil {
		began.pid, err = began.number()
	}
	if err != nil {
		return nil, errors.Join(err, connection.Close())
	}
	return began, nil
}

func connect() (*net.UnixConn, error) {
	address := &net.UnixAddr{Name: forks, Net: "unix"}
	for began := time.Now(); ; time.Sleep(pause) {
		connection, err := net.DialUnix("unix", nil, address)
		// A socket that nobody listens on is that of a process which was killed.
		if err == nil || errors.Is(err, syscall.ECONNREFUSED) || time.Since(began) > coming {
			return connection, err
		}
	}
}

func (f *fork) number() (int, error) {
	line, err := f.answers.ReadString('\n')
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(line))
}

// wait returns the exit code when the process has ended, as a shell would put it.
func (f *fork) wait() int {
	code, err := f.number()
	if err != nil {
		// The process that it is a fork of was killed.
		for syscall.Kill(f.pid, 0) == nil {
			time.Sleep(gone)
		}
		return 1
	}
	if code < 0 {
		return signalled - code
	}
	return code
}

// python becomes Python with these arguments, `-m dagster` and more, which a fork is if there can be
// one. Then this process stays until that ends, hands signals on, and ends with its exit code.
func python(arguments []string) error {
	if len(arguments) < 2 || arguments[0] != "-m" || arguments[1] != "dagster" {
		return launch.Become(append([]string{"python"}, arguments...))
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	began, err := newFork("inner-server", inner, arguments[2:], [3]*os.File{os.Stdin, os.Stdout, os.Stderr})
	if err != nil {
		fmt.Fprintf(os.Stderr, "runtime: the inner code server imports Dagster itself: %v\n", err)
		signal.Stop(signals)
		return launch.Become(append([]string{"python"}, arguments...))
	}
	go func() {
		for each := range signals {
			// One that has ended needs none.
			_ = syscall.Kill(began.pid, each.(syscall.Signal))
		}
	}()
	os.Exit(began.wait())
	return nil
}
