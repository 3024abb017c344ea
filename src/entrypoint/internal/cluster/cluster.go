// Package cluster prepares a PostgreSQL database cluster in a volume and becomes its server.
package cluster

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"dagnix/runtime/internal/launch"
)

// Superuser is the cluster's only superuser. Its password is made anew at each start, and stands in a
// file of the container's memory that its own programs read.
const Superuser = "postgres"

// cluster is a database cluster in a volume, and the programs that go with it.
type cluster struct {
	// volume is the mounted folder. The cluster stands in a folder of its own in it, named by its
	// major version: so a file system's lost+found is not in the way, the cluster appears by one
	// rename, has the mode that Postgres wants, and a later version finds it beside its own.
	volume string
	// programs is the folder of initdb and postgres, major their version, such as "17".
	programs, major string
	// sockets is the folder of the container's own unix socket.
	sockets string
	// settings is the file of settings that the user may mount.
	settings string
	// log gets what the programs say when they fail, and one line for each step.
	log io.Writer
}

// Run makes the cluster if there is none, applies roles and settings, and replaces this process with
// the server. It returns only if that fails.
func Run(ctx context.Context, log io.Writer) error {
	roles, err := readRoles(log)
	if err != nil {
		return err
	}
	c, err := fromEnvironment(ctx, log)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.sockets, 0o755); err != nil {
		return fmt.Errorf("Postgres needs a writable folder for its socket (mount a tmpfs at %s): %w", c.sockets, err)
	}
	if err := c.lock(); err != nil {
		return err
	}
	if err := c.refuseOtherVersions(); err != nil {
		return err
	}
	if err := c.initialise(ctx); err != nil {
		return err
	}
	if err := c.writeSettings(); err != nil {
		return err
	}
	superuser := role{name: Superuser, password: rand.Text(), iterations: leastIterations}
	if err := c.applyRoles(ctx, superuser, roles); err != nil {
		return err
	}
	if err := replace(PasswordFile(), "*:*:*:"+Superuser+":"+superuser.password+"\n"); err != nil {
		return fmt.Errorf("cannot write the superuser's password: %w", err)
	}
	if err := c.limitMemory(ctx); err != nil {
		return err
	}
	return launch.Become([]string{c.program("postgres"), "-D", c.folder()})
}

func fromEnvironment(ctx context.Context, log io.Writer) (*cluster, error) {
	c := &cluster{
		volume:   Volume(),
		programs: os.Getenv("DAGNIX_PG_BINDIR"),
		sockets:  Sockets(),
		settings: valueOr("DAGNIX_PG_CONFIG", "/etc/postgresql/dagnix.conf"),
		log:      log,
	}
	if c.programs == "" {
		installed, err := filepath.Glob("/usr/lib/postgresql/*/bin")
		if err != nil {
			return nil, err
		}
		if len(installed) != 1 {
			return nil, fmt.Errorf("%d versions of PostgreSQL are in /usr/lib/postgresql: name one in DAGNIX_PG_BINDIR", len(installed))
		}
		c.programs = installed[0]
	}
	// "postgres (PostgreSQL) 17.6 (Debian 17.6-0+deb13u1)"
	answer, err := exec.CommandContext(ctx, c.program("postgres"), "--version").Output()
	if err != nil {
		return nil, fmt.Errorf("cannot run %s: %w", c.program("postgres"), err)
	}
	words := strings.Fields(string(answer))
	if len(words) < 3 {
		return nil, fmt.Errorf("%s does not tell its version: %q", c.program("postgres"), answer)
	}
	c.major, _, _ = strings.Cut(words[2], ".")
	return c, nil
}

func (c *cluster) folder() string { return filepath.Join(c.volume, c.major) }

func (c *cluster) program(name string) string { return filepath.Join(c.programs, name) }

// execute runs one of the cluster's programs. What it says is shown only if it fails.
func (c *cluster) execute(ctx context.Context, input, name string, arguments ...string) (string, error) {
	command := exec.CommandContext(ctx, c.program(name), arguments...)
	command.Stdin = strings.NewReader(input)
	command.Env = append(os.Environ(), "LC_ALL=C", "PGDATA=")
	output, err := command.CombinedOutput()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	return string(output), err
}

// failure shows a failed program's words and returns the sentence that ends the start.
func (c *cluster) failure(what, output string, err error) error {
	fmt.Fprint(c.log, output)
	for _, line := range strings.Split(output, "\n") {
		for _, severity := range []string{"FATAL:  ", "PANIC:  ", "ERROR:  ", "error: "} {
			if _, text, found := strings.Cut(line, severity); found {
				return fmt.Errorf("%s: %s", what, text)
			}
		}
	}
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		return fmt.Errorf("%s (%s): see the lines above", what, exit)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// Volume is the folder that the cluster stands in.
func Volume() string { return valueOr("PGDATA", "/var/lib/postgresql/data") }

// Sockets is the folder of the unix socket that only this container has.
func Sockets() string { return valueOr("DAGNIX_PG_SOCKETS", "/run/postgresql") }

// PasswordFile has the superuser's password in libpq's format (PGPASSFILE).
func PasswordFile() string { return filepath.Join(Sockets(), "pgpass") }

// shared is the folder of the socket for other containers, which they mount, too.
func shared() string { return valueOr("DAGNIX_PG_SHARED_SOCKETS", "/run/dagnix/postgres") }

func (c *cluster) socketFolders() []string {
	if info, err := os.Stat(shared()); err == nil && info.IsDir() {
		return []string{c.sockets, shared()}
	}
	return []string{c.sockets}
}

func valueOr(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}
