package codeserver

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"dagnix/runtime/internal/dagster"
	"dagnix/runtime/internal/launch"
)

//go:embed forks.py
var forksProgram string

//go:embed heartbeat.py
var heartbeatProgram string

//go:embed termination.py
var terminationProgram string

// run is the name of the process of a run, and of a step.
const run = "run"

// inner becomes what `python -m dagster` is.
const inner = "import runpy; runpy.run_module('dagster', run_name='__main__', alter_sys=True)"

const (
	// forks is the socket of forks.py.
	forks = "/tmp/dagnix-forks"
	// coming is how long that socket is waited for: the code server may be about to start. A run or a
	// step comes after it.
	coming = 5 * time.Second
	pause  = 50 * time.Millisecond
	// gone is the time between two looks whether a fork has ended that nothing else tells of.
	gone = time.Second
)

// ThroughForks makes a command that runs Dagster's code server start its inner servers with [Python].
func ThroughForks(command []string) ([]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if command, err = dagster.Before(command, terminationProgram); err != nil {
		return nil, err
	}
	// Who has set another limit may have set a short one.
	if slices.Contains(command, heartbeatSeconds) {
		if command, err = dagster.Before(command, heartbeatProgram); err != nil {
			return nil, err
		}
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
	Name      string   `json:"name"`
	Program   string   `json:"program"`
	Arguments []string `json:"arguments"`
	// Files are the numbers, there, of the files that come with the request.
	Files       []int             `json:"files"`
	Environment map[string]string `json:"environment"`
	Folder      string            `json:"folder"`
}

// newFork runs a Python program with this process's environment and folder. The keys of files are the
// numbers that it has them under, the values are this process's.
func newFork(name, program string, arguments []string, files map[int]int) (*fork, error) {
	folder, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	environment := map[string]string{}
	for _, each := range os.Environ() {
		name, value, _ := strings.Cut(each, "=")
		environment[name] = value
	}
	numbers := slices.Sorted(maps.Keys(files))
	var opened []int
	for _, number := range numbers {
		opened = append(opened, files[number])
	}
	arguments = append([]string{}, arguments...)
	request, err := json.Marshal(forkRequest{name, program, arguments, numbers, environment, folder})
	if err != nil {
		return nil, err
	}
	connection, err := connect(name == run)
	if err != nil {
		return nil, err
	}
	rights := syscall.UnixRights(opened...)
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

func connect(started bool) (*net.UnixConn, error) {
	address := &net.UnixAddr{Name: forks, Net: "unix"}
	for began := time.Now(); ; time.Sleep(pause) {
		connection, err := net.DialUnix("unix", nil, address)
		// A socket that nobody listens on is that of a process which was killed.
		if err == nil || errors.Is(err, syscall.ECONNREFUSED) || time.Since(began) > coming ||
			started && errors.Is(err, syscall.ENOENT) {
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

// wait returns the exit code when the process has ended. That of one which a signal has ended is the
// signal's number, negative.
func (f *fork) wait() int {
	code, err := f.number()
	if err != nil {
		// The process that it is a fork of was killed.
		for syscall.Kill(f.pid, 0) == nil {
			time.Sleep(gone)
		}
		return 1
	}
	return code
}

// python becomes Python with these arguments, which a fork is if there can be one. Then this process
// stays until that ends, hands signals on, and ends as it did.
func python(arguments []string) error {
	name, program, rest := "inner-server", inner, arguments
	switch {
	case isInnerServer(arguments):
		program, rest = terminationProgram+"\n"+inner, arguments[2:]
	case isSpawned(arguments):
		name, program, rest = run, arguments[len(arguments)-2], arguments[len(arguments)-1:]
	default:
		return launch.Become(append([]string{"python"}, arguments...))
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	files, err := inherited()
	if err != nil {
		return err
	}
	began, err := newFork(name, dagster.KnownSchema+"\n"+program, rest, files)
	if err != nil {
		fmt.Fprintf(os.Stderr, "runtime: the process %s imports Dagster itself: %v\n", name, err)
		signal.Reset()
		select {
		case each := <-signals:
			endBy(each.(syscall.Signal))
		default:
		}
		return launch.Become(append([]string{"python"}, arguments...))
	}
	// Else their other ends would not see the fork close them.
	for number := range files {
		if number > int(os.Stderr.Fd()) {
			_ = syscall.Close(number)
		}
	}
	go func() {
		for each := range signals {
			// One that has ended needs none.
			_ = syscall.Kill(began.pid, each.(syscall.Signal))
		}
	}()
	code := began.wait()
	if ended := syscall.Signal(-code); ended > 0 {
		endBy(ended)
	}
	os.Exit(code)
	return nil
}

// endBy ends this process as a signal does that it does not handle. Go handles those of a program that
// has crashed, and would tell of it as its own crash.
func endBy(ended syscall.Signal) {
	var standard [4]uintptr // struct sigaction of Linux: SIG_DFL
	_, _, _ = syscall.RawSyscall6(syscall.SYS_RT_SIGACTION,
		uintptr(ended), uintptr(unsafe.Pointer(&standard)), 0, unsafe.Sizeof(standard[0]), 0, 0)
	_ = syscall.Kill(os.Getpid(), ended)
	select {}
}

func isInnerServer(arguments []string) bool {
	return len(arguments) > 1 && arguments[0] == "-m" && arguments[1] == "dagster"
}

// isSpawned tells whether these are the arguments of a process that Python's multiprocessing starts, as
// Dagster starts runs and their steps: options, -c, a program, and an option for that
// (multiprocessing.spawn.get_command_line).
func isSpawned(arguments []string) bool {
	last := len(arguments) - 1
	return last >= 2 && arguments[last] == "--multiprocessing-fork" && arguments[last-2] == "-c"
}

// inherited returns the files that this process was started with, each under its own number.
func inherited() (map[int]int, error) {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil, err
	}
	files := map[int]int{}
	for _, entry := range entries {
		number, err := strconv.Atoi(entry.Name())
		if err != nil {
			return nil, err
		}
		// Go opens its own so that no other program has them.
		flags, _, failed := syscall.Syscall(syscall.SYS_FCNTL, uintptr(number), syscall.F_GETFD, 0)
		if failed == 0 && flags&syscall.FD_CLOEXEC == 0 {
			files[number] = number
		}
	}
	return files, nil
}
