// Package logs has a service run as a child process whose output becomes JSON, an object a line.
//
// The service itself knows nothing of it: whatever it, a library or a pipeline writes to stdout or stderr
// comes through a pipe, and is parsed or wrapped here. So every line is JSON, also a traceback, rubbish,
// or the last words of a process that the kernel has killed. Without DAGNIX_LOG_FORMAT=json none of this
// happens: the entrypoint becomes the service, which writes to the container's own streams.
package logs

import (
	"crypto/rand"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// FormatVariable is how the log is written: Plain, JSON, or empty for Plain.
	FormatVariable = "DAGNIX_LOG_FORMAT"
	Plain, JSON    = "plain", "json"
	// SocketVariable names, for the service and all that it starts, the abstract Unix socket at which a
	// process says whose output a pipe has (socket.go). It is also how the child knows that it is one.
	SocketVariable = "DAGNIX_LOG_SOCKET"
)

// Wanted tells whether this process is the container's service, and its log is to be JSON.
func Wanted() (bool, error) {
	switch format := os.Getenv(FormatVariable); format {
	case "", Plain:
		return false, nil
	case JSON:
		return os.Getenv(SocketVariable) == "" && !entered(os.Getpid(), os.Getppid()), nil
	default:
		return false, fmt.Errorf("%s must be %s or %s, not %q", FormatVariable, Plain, JSON, format)
	}
}

// entered tells whether a process was started by `podman exec` in a container that runs: it has a parent
// outside, and who started it reads what it prints.
func entered(pid, parent int) bool { return parent == 0 && pid != 1 }

// forwarded are the signals that a service may be sent. Not SIGPIPE: if nobody takes the log any more,
// this process ends, as the service itself would.
var forwarded = []os.Signal{
	syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM,
	syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH,
}

// Run runs this program once more, with the same arguments, and writes its log as JSON lines until it
// ends. It returns the exit code. Signals reach the service as if this process was not there.
func Run(own Labels) int {
	log := newLog(os.Stdout, os.Stderr)
	child, err := log.start(own)
	if err != nil {
		message := fmt.Sprintf("the service cannot be started: %v", err)
		log.write("stderr", record{labels: own, level: critical, message: message, stream: "stderr"})
		return 1
	}
	status := wait(child.Pid)
	log.finish()
	code, how := status.ExitStatus(), fmt.Sprintf("exit code %d", status.ExitStatus())
	if status.Signaled() {
		code, how = 128+int(status.Signal()), status.Signal().String() // as a shell says it, and the container's init
	}
	if code != 0 && !log.isTold.Load() {
		message := "the service has ended: " + how
		log.write("stderr", record{labels: own, level: failed, message: message, stream: "stderr"})
	}
	return code
}

// start starts the service, with pipes for its streams, and passes signals on to it.
func (l *log) start(own Labels) (*os.Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, forwarded...)
	name := "@dagnix-log-" + rand.Text()
	if err := l.listen(name, own); err != nil {
		return nil, err
	}
	files := []*os.File{os.Stdin}
	for _, stream := range streams {
		reading, writing, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		defer writing.Close()
		files = append(files, writing)
		l.read(newSource(reading, stream, own))
	}
	child, err := os.StartProcess(self, os.Args, &os.ProcAttr{
		Env:   append(os.Environ(), SocketVariable+"="+name),
		Files: files,
	})
	if err == nil {
		go func() {
			for each := range signals {
				l.isTold.Store(true)
				_ = syscall.Kill(child.Pid, each.(syscall.Signal))
			}
		}()
	}
	return child, err
}

// wait waits for a child. As process 1 this one inherits orphans, and buries them too.
func wait(child int) syscall.WaitStatus {
	for {
		var status syscall.WaitStatus
		if pid, err := syscall.Wait4(-1, &status, 0, nil); err == syscall.ECHILD || pid == child {
			return status
		}
	}
}

// log writes the records of all sources.
type log struct {
	writing sync.Mutex
	to      map[string]*os.File // by stream

	adding  sync.Mutex
	sources []*source
	isDone  bool
	readers sync.WaitGroup

	isTold atomic.Bool // to end, by a signal
}

var streams = []string{"stdout", "stderr"}

func newLog(stdout, stderr *os.File) *log {
	return &log{to: map[string]*os.File{"stdout": stdout, "stderr": stderr}}
}

// read begins to read a source, until it ends.
func (l *log) read(s *source) {
	l.adding.Lock()
	defer l.adding.Unlock()
	if l.isDone {
		s.file.Close()
		return
	}
	l.sources = append(l.sources, s)
	l.readers.Add(1)
	go func() {
		defer l.readers.Done()
		s.follow(func(r record) { l.write(s.stream, r) })
		l.adding.Lock()
		defer l.adding.Unlock()
		l.sources = slices.DeleteFunc(l.sources, func(each *source) bool { return each == s })
	}()
}

// write writes a record, as a line, to the stream that it came from.
func (l *log) write(stream string, r record) {
	line := r.line(time.Now())
	l.writing.Lock()
	defer l.writing.Unlock()
	_, _ = l.to[stream].Write(line)
}

// finish writes what the sources have by now. A process that outlives the service may hold a pipe open:
// that is not waited for, as the container ends.
func (l *log) finish() {
	l.adding.Lock()
	l.isDone = true
	for _, each := range l.sources {
		each.end()
	}
	l.adding.Unlock()
	l.readers.Wait()
}

// Labels say whose output something is.
type Labels struct {
	Service  string `json:"-"`
	Location string `json:"-"`
	RunID    string `json:"run_id"`
	JobName  string `json:"job_name"`
	// Steps are those that the process executes. Only if it is one, all of its output is that step's.
	Steps []string `json:"steps"`
}

// OfRun returns labels for the process of one run, as in a Job of Kubernetes: `dagster api execute_run
// ARGUMENTS`. Other commands are no run's.
func (l Labels) OfRun(command []string) Labels {
	if len(command) == 4 && command[0] == "dagster" && command[1] == "api" {
		if found := runID.FindStringSubmatch(command[3]); found != nil {
			l.RunID, l.JobName = found[1], os.Getenv("DAGSTER_RUN_JOB_NAME")
		}
	}
	return l
}

var runID = regexp.MustCompile(`"(?:pipeline_)?run_id": ?"([0-9a-f-]{36})"`)
