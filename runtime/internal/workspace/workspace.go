// Package workspace keeps the file that tells the webserver and the daemon at which host each code
// location is served now. Code servers write it, each for its own location, into a volume that all
// share. Dagster reads it beside the workspace.yaml of the image, whose entries it replaces by name.
package workspace

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Server is a code server as Dagster's workspace.yaml names it (grpc_server).
type Server struct {
	// Host is a name that no other code server has or will have: a run belongs to the host that it
	// was launched at, and is cancelled there.
	Host string `json:"host"`
	Port int    `json:"port"`
	// Location is the name that runs, schedules and sensors belong to.
	Location string `json:"location_name"`
}

type contents struct {
	LoadFrom []entry `json:"load_from"`
}

type entry struct {
	Server Server `json:"grpc_server"`
}

// Workspace is the folder of the file; "" if there is none, and all is as workspace.yaml has it.
type Workspace string

// Here is the workspace of this container.
func Here() Workspace { return Workspace(os.Getenv("DAGNIX_WORKSPACE_DIR")) }

// File is the path of the file. JSON is YAML, too.
func (w Workspace) File() string { return filepath.Join(string(w), "workspace.yaml") }

// former lists the hosts that have handed their location over, a line each. They do not claim it
// again, also if after a reboot of the machine they are up before their successor.
func (w Workspace) former() string { return filepath.Join(string(w), "former-hosts") }

// Prepare makes the file if it is not there, so that Dagster can read it.
func (w Workspace) Prepare() error {
	return w.locked(func() error {
		if _, err := os.Stat(w.File()); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return w.write(contents{LoadFrom: []entry{}})
	})
}

// Claim makes a code server the one at which its location is served, if the one that is, is gone. One
// that has handed the location over claims nothing.
func (w Workspace) Claim(own Server, gone func(Server) bool) error {
	if now, err := w.At(own.Location); err != nil || now == own || now.Host != "" && !gone(now) {
		return err
	}
	return w.locked(func() error {
		all, err := w.read()
		if err != nil {
			return err
		}
		former, err := w.formerHosts()
		if err != nil || slices.Contains(former, own.Host) {
			return err
		}
		return w.write(all.with(own))
	})
}

// At is where a location is served; without a host if it is not.
func (w Workspace) At(location string) (Server, error) {
	all, err := w.read()
	return all.at(location), err
}

// Take makes a code server the one at which its location is served.
func (w Workspace) Take(own Server) error {
	return w.locked(func() error {
		all, err := w.read()
		if err != nil {
			return err
		}
		if err := w.retire(all.at(own.Location), own.Host); err != nil {
			return err
		}
		return w.write(all.with(own))
	})
}

// Leave makes a location one that is not served. What serves it does not claim it again.
func (w Workspace) Leave(location string) error {
	return w.locked(func() error {
		all, err := w.read()
		if err != nil {
			return err
		}
		if err := w.retire(all.at(location), ""); err != nil {
			return err
		}
		return w.write(all.without(location))
	})
}

// retire notes that a server has handed its location over to the one at another host, if there is one.
// Before that is registered: a host that is registered claims nothing.
func (w Workspace) retire(server Server, successor string) error {
	former, err := w.formerHosts()
	if err != nil {
		return err
	}
	former = slices.DeleteFunc(former, func(host string) bool { return host == successor })
	if server.Host != "" && server.Host != successor {
		former = append(former, server.Host)
	}
	return replace(w.former(), []byte(strings.Join(former[max(0, len(former)-remembered):], "\n")+"\n"))
}

// remembered is how many former hosts are kept.
const remembered = 100

// Gone tells whether no container has this host name any more. Without an answer it is not known to
// be gone.
func Gone(ctx context.Context, host string) bool {
	_, err := net.DefaultResolver.LookupHost(ctx, host)
	missing := new(net.DNSError)
	return errors.As(err, &missing) && missing.IsNotFound
}

func (c contents) at(location string) Server {
	for _, each := range c.LoadFrom {
		if each.Server.Location == location {
			return each.Server
		}
	}
	return Server{}
}

func (c contents) with(server Server) contents {
	return contents{LoadFrom: append(c.without(server.Location).LoadFrom, entry{server})}
}

func (c contents) without(location string) contents {
	return contents{slices.DeleteFunc(c.LoadFrom, func(each entry) bool { return each.Server.Location == location })}
}

func (w Workspace) read() (contents, error) {
	all := contents{LoadFrom: []entry{}}
	text, err := os.ReadFile(w.File())
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return all, err
	}
	if err := json.Unmarshal(text, &all); err != nil {
		return all, fmt.Errorf("%s is not what Dagnix wrote: %w", w.File(), err)
	}
	return all, nil
}

func (w Workspace) write(all contents) error {
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return replace(w.File(), append(text, '\n'))
}

func (w Workspace) formerHosts() ([]string, error) {
	text, err := os.ReadFile(w.former())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return strings.Fields(string(bytes.TrimSpace(text))), err
}

// locked does something while no other container does.
func (w Workspace) locked(do func() error) error {
	lock, err := os.OpenFile(filepath.Join(string(w), "lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("cannot keep the workspace file: %w", err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("cannot lock %s: %w", lock.Name(), err)
	}
	return do()
}

// replace writes a file in one step: Dagster may be reading it, and the machine may lose its power.
func replace(path string, text []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(text)
	if err := errors.Join(err, file.Chmod(0o644), file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
