package codeserver

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"dagnix/runtime/internal/workspace"
)

const (
	// lookup limits the question whether another code server is still there.
	lookup = 4 * time.Second
	// silence is how long another code server may not be reachable before its location is claimed.
	// Where names outside podman's networks cannot be resolved, a host that is gone looks like one
	// that cannot be asked for just now.
	silence = time.Minute
)

// Host is the name at which this code server is reached: the container's ID, where code servers
// follow each other, else the name that the containers were given.
func Host() string {
	if workspace.Here() != "" {
		if name, err := os.Hostname(); err == nil {
			return name
		}
	}
	return os.Getenv("DAGSTER_PIPES_HOST")
}

// Location is the name in the workspace of the code location that is served here.
func Location() string { return cmp.Or(os.Getenv("DAGNIX_LOCATION"), "pipes") }

func server() (workspace.Server, error) {
	port, err := strconv.Atoi(Port())
	if err != nil {
		return workspace.Server{}, fmt.Errorf("DAGSTER_PIPES_PORT is %q: give a port number, such as 4000", Port())
	}
	return workspace.Server{Host: Host(), Port: port, Location: Location()}, nil
}

// Register has the webserver and the daemon use this code server from now on. Runs that another one
// executes go on there.
func Register() (string, error) {
	here := workspace.Here()
	own, err := server()
	if err != nil || here == "" {
		return "", err
	}
	return fmt.Sprintf("%s is served at %s from now on", own.Location, own.Host), here.Take(own)
}

// Leave has the webserver and the daemon know this code location no more. Runs that this code server
// executes go on.
func Leave() (string, error) {
	return fmt.Sprintf("%s is served no more", Location()), workspace.Here().Leave(Location())
}

// Registered is the host of the code server that the webserver and the daemon are to use.
func Registered() (string, error) {
	at, err := workspace.Here().At(Location())
	return at.Host, err
}

// claim registers this code server if the one that is registered is gone. It knows since when that
// could not be reached.
type claim struct{ silent time.Time }

func (c *claim) make(ctx context.Context) error {
	here := workspace.Here()
	if here == "" {
		return nil
	}
	own, err := server()
	if err != nil {
		return err
	}
	return here.Claim(own, func(other workspace.Server) bool { return c.isGone(ctx, other) })
}

func (c *claim) isGone(ctx context.Context, other workspace.Server) bool {
	ctx, cancel := context.WithTimeout(ctx, lookup)
	defer cancel()
	if workspace.Gone(ctx, other.Host) {
		return true
	}
	address := net.JoinHostPort(other.Host, strconv.Itoa(other.Port))
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	switch {
	case err == nil:
		c.silent = time.Time{}
		return connection.Close() != nil
	case c.silent.IsZero():
		c.silent = time.Now()
	}
	return time.Since(c.silent) > silence
}

// IsGone tells whether no container has this host name any more.
func IsGone(host string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), lookup)
	defer cancel()
	return workspace.Gone(ctx, host)
}

// Claim registers this code server when it starts, if no other is there that is.
func Claim(ctx context.Context) error { return new(claim).make(ctx) }
