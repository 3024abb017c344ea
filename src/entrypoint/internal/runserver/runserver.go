// Package runserver asks the run server of a code location (src/dagster_dagnix): a process that starts
// runs and the code server, and answers on a Unix socket, a line of JSON each way.
package runserver

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// State is what a run server says of itself.
type State struct {
	Host string `json:"host"`
	// Draining: it takes no new runs.
	Draining bool `json:"draining"`
	// Ending: it was told to end, as podman stop does.
	Ending bool `json:"ending"`
	// Serving: webserver and daemon use its code server.
	Serving bool `json:"serving"`
	Code    Code `json:"code"`
	// Runs are the IDs of those that it executes.
	Runs []string `json:"runs"`
}

// Code is what a run server says of its code server.
type Code struct {
	// Socket is the name of the code server's socket; it is the ID of the server as well.
	Socket string `json:"socket"`
	Ready  bool   `json:"ready"`
	// Lazy: it serves nothing but the error.
	Lazy bool `json:"lazy"`
	// Error tells why the code did not load the last time, as text or as Dagster's
	// SerializableErrorInfo.
	Error json.RawMessage `json:"error"`
}

type answer struct {
	State
	Error json.RawMessage `json:"error"`
}

// Refusal is a request that a run server answered with an error, as text or as Dagster's JSON.
type Refusal struct{ Said json.RawMessage }

func (r *Refusal) Error() string {
	var text string
	if json.Unmarshal(r.Said, &text) == nil {
		return text
	}
	return string(r.Said)
}

// Folder has a folder for each code location, in which its run servers and code servers listen.
func Folder() string {
	if folder := os.Getenv("DAGNIX_SOCKETS"); folder != "" {
		return folder
	}
	return "/run/dagnix"
}

// Host is the name of this container: its ID, where podman or docker named it.
func Host() string {
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
}

// Serving returns the host whose code server webserver and daemon use; "" if there is none.
func Serving(location string) (string, error) {
	target, err := os.Readlink(filepath.Join(Folder(), location, "code.sock"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	// code-HOST-BOOT-NUMBER.sock
	name := strings.Split(filepath.Base(target), "-")
	if err != nil || len(name) < 4 {
		return "", err
	}
	return strings.Join(name[1:len(name)-2], "-"), nil
}

// Serves tells whether a run server of this host answers.
func Serves(location, host string) bool {
	connection, err := dial(location, host)
	if err != nil {
		return false
	}
	return connection.Close() == nil
}

// Ask has this container's run server do something, and returns how it is then.
func Ask(ctx context.Context, location, do string) (State, error) {
	connection, err := dial(location, Host())
	if err != nil {
		return State{}, err
	}
	defer connection.Close()
	return ask(ctx, connection, do)
}

// AskServing asks the run server that launches a location's runs how it is, from any container. It also
// returns the name of its socket, which is another one after each start.
func AskServing(ctx context.Context, location string) (State, string, error) {
	link := filepath.Join(Folder(), location, "run.sock")
	connection, err := net.Dial("unix", link)
	if err != nil {
		return State{}, "", errors.New("the run server does not answer: " + away(err))
	}
	defer connection.Close()
	state, err := ask(ctx, connection, "ping")
	socket, _ := os.Readlink(link)
	return state, socket, err
}

func away(err error) string {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return "it does not listen"
	}
	return err.Error()
}

func ask(ctx context.Context, connection net.Conn, do string) (State, error) {
	defer context.AfterFunc(ctx, func() { connection.Close() })()
	if err := json.NewEncoder(connection).Encode(map[string]string{"do": do}); err != nil {
		return State{}, err
	}
	line, err := bufio.NewReader(connection).ReadBytes('\n')
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return State{}, fmt.Errorf("the run server does not answer: %w", err)
	}
	var said answer
	if err := json.Unmarshal(line, &said); err != nil {
		return State{}, fmt.Errorf("the run server's answer is not JSON: %w", err)
	}
	if len(said.Error) > 0 && string(said.Error) != "null" {
		return State{}, &Refusal{said.Error}
	}
	return said.State, nil
}

// dial connects to the run server of a host. Of several sockets only that of its last start accepts.
func dial(location, host string) (net.Conn, error) {
	sockets, err := filepath.Glob(filepath.Join(Folder(), location, "run-"+host+"-*.sock"))
	if err != nil {
		return nil, err
	}
	err = fs.ErrNotExist
	for _, socket := range sockets {
		var connection net.Conn
		if connection, err = net.Dial("unix", socket); err == nil {
			return connection, nil
		}
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil, errors.New("the run server does not listen: it is still starting, or has ended")
	}
	return nil, fmt.Errorf("the run server cannot be reached: %w", err)
}
