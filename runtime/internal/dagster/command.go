package dagster

import (
	"context"
	"database/sql"
	_ "embed"
	"fmt"
	"strings"
)

//go:embed first_start.py
var firstStart string

//go:embed lost_runs.py
var lostRuns string

//go:embed interrupted_launches.py
var interruptedLaunches string

//go:embed retries.py
var retries string

//go:embed cut_connections.py
var cutConnections string

//go:embed kept_connections.py
var keptConnections string

//go:embed kept_channels.py
var keptChannels string

//go:embed known_server_id.py
var knownServerID string

// KnownSchema is a Python program that spares Dagster's processes some looks into Postgres.
//
//go:embed known_schema.py
var KnownSchema string

//go:embed recovery.py
var recovery string

// One table of each storage: Dagster makes all tables of a storage in one transaction, when this one
// is not there (_init_db in dagster_postgres 1.13). And one that it adds to those of an old Dagster.
const haveTables = `SELECT count(*) = 4 FROM unnest(ARRAY['runs', 'event_logs', 'jobs', 'instance_info']) name WHERE to_regclass(name) IS NOT NULL`

// after is what a service has to make up for when the one before it was killed: finding the runs,
// and the program that sees to them in the service's process.
type after struct {
	find    func(context.Context, *sql.DB) ([]string, error)
	program string
}

// Preparation returns the command to run in place of one of Dagster's. It is given Dagster's database.
type Preparation func(context.Context, *sql.DB, []string) ([]string, error)

// Command returns the command to run in place of the given one of Dagster's, if something is to be
// done in its process first: while the tables are not in Postgres, make them.
func Command(ctx context.Context, pool *sql.DB, command []string) ([]string, error) {
	return prepared(ctx, pool, command, nil)
}

// CodeServerCommand is [Command] for a code server, which before it serves also reports the end of
// the runs that ended with the one before it, or with one whose host is gone. Nothing else may serve
// at the same host.
func CodeServerCommand(host string, gone func(host string) bool) Preparation {
	return func(ctx context.Context, pool *sql.DB, command []string) ([]string, error) {
		find := func(ctx context.Context, pool *sql.DB) ([]string, error) {
			return lostAt(ctx, pool, host, gone)
		}
		command, err := prepared(ctx, pool, command, &after{find: find, program: lostRuns})
		if err != nil {
			return nil, err
		}
		if command, err = Before(command, knownServerID); err != nil {
			return nil, err
		}
		return Before(command, keptChannels)
	}
}

// WebserverCommand is [Command] for the webserver, which uses no connection that Postgres has cut, and
// soon asks again for a code location that could not be reached.
func WebserverCommand(ctx context.Context, pool *sql.DB, command []string) ([]string, error) {
	command, err := prepared(ctx, pool, command, nil)
	if err != nil {
		return nil, err
	}
	return lasting(command)
}

// DaemonCommand is [WebserverCommand] for the daemon, which also keeps connections, puts runs back into
// the queue whose launch the one before it did not end, and sees to retries. Nothing else may launch
// runs.
func DaemonCommand(ctx context.Context, pool *sql.DB, command []string) ([]string, error) {
	command, err := prepared(ctx, pool, command, &after{find: startingRuns, program: interruptedLaunches})
	if err != nil {
		return nil, err
	}
	for _, program := range []string{retries, keptConnections} {
		if command, err = Before(command, program); err != nil {
			return nil, err
		}
	}
	return lasting(command)
}

// lasting prepares a process that outlives the services which it asks.
func lasting(command []string) ([]string, error) {
	var err error
	for _, program := range []string{recovery, keptChannels, cutConnections, KnownSchema} {
		if command, err = Before(command, program); err != nil {
			return nil, err
		}
	}
	return command, nil
}

func prepared(ctx context.Context, pool *sql.DB, command []string, killed *after) ([]string, error) {
	var there bool
	if err := pool.QueryRowContext(ctx, haveTables).Scan(&there); err != nil {
		return nil, fmt.Errorf("cannot look for Dagster's tables in Postgres: %w", err)
	}
	var runs []string
	var err error
	if there && killed != nil {
		if runs, err = killed.find(ctx, pool); err != nil {
			return nil, fmt.Errorf("cannot look for runs to make up for in Postgres: %w", err)
		}
	}
	if len(runs) > 0 {
		if command, err = Before(command, killed.program, strings.Join(runs, ",")); err != nil {
			return nil, err
		}
	}
	if !there {
		return Before(command, firstStart, haveTables)
	}
	return command, nil
}
