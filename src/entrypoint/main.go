// Command runtime is the entrypoint and the health check of all Dagnix images but the gate.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"dagnix/runtime/internal/backup"
	"dagnix/runtime/internal/cluster"
	"dagnix/runtime/internal/codeserver"
	"dagnix/runtime/internal/health"
	"dagnix/runtime/internal/logs"
	"dagnix/runtime/internal/runserver"
)

const help = `Entrypoint and health check of all Dagnix images but the gate.

Usage:
  runtime start COMMAND [ARGUMENT…]   read the secrets, wait for Postgres, become COMMAND
  runtime start code-server           the same, and become the run server of the project in
                                      $DAGNIX_PIPES_DIR; with $DAGNIX_CODE_SERVER_PORT Dagster's own
                                      code server, which listens there
  runtime health SERVICE [SECONDS]    one line on how SERVICE is; exit code 0 if it is well, 1 if not,
                                      3 if the code does not load (SERVICE: webserver, daemon,
                                      pipes, postgres, backup or alerts); with SECONDS it gives SERVICE
                                      that long to become well
  runtime code [GENERATION…]          what to start the code server with, as JSON; removes the copies
                                      of the code but for these generations and the newest few
  runtime check                       load the code and serve it to nobody; exit code 1 if it does not
                                      load, and why
  runtime reload                      serve the code as it is now: the code server's ID and what it
                                      serves, or why the code does not load; exit code 0 or 1
  runtime serve                       have webserver and daemon use this container's code server, and
                                      launch runs here; the previous container then drains
  runtime serving                     the host whose code server webserver and daemon use
  runtime leave                       have webserver and daemon stop using this container
  runtime runs                        the IDs of the runs that are executed here, a line each
  runtime postgres                    prepare the database cluster, become the Postgres server
  runtime roles                       give further code locations their roles in the Postgres that runs
                                      here; their names, a line each
  runtime backups                     make backups as they are due, and remove old ones
  runtime backup [--no-files]         write a backup to stdout
  runtime alerts                      watch the instance, and tell people what is wrong
  runtime alerts test                 send a test alert to each channel; exit code 1 if one does not
                                      take it
  runtime describe                    what a backup would contain, as JSON
  runtime kept                        whether there is a database from before the last restore
  runtime forget                      remove what the last restore has replaced
  runtime restore STEP                a step of a restore, which reads its member of the backup: roles,
                                      database, settings, files VOLUME; then exchange. After undo,
                                      the next exchange brings back what the last one replaced

Environment of start, postgres, backups and alerts:
  DAGNIX_LOG_FORMAT       json: the service is a child of this process, which writes all that it prints
                          as JSON, an object a line (default plain: this process becomes the service)

Environment of start:
  NAME_FILE               a file under /run/secrets/, whose content becomes NAME
  DAGSTER_PG_HOST …       wait for this Postgres (_PORT, _DB, _USER, _PASSWORD); unset: don't wait
  STORAGE_PG_HOST …       the same for the pipelines' own database
  PGSSLMODE …             TLS, as libpq takes it (also PGSSLROOTCERT, PGSSLCERT, PGSSLKEY)
  DAGNIX_WAIT_SECONDS     how long to wait for each (default 60)
  DAGNIX_PIPES_DIR        the Dagster project to serve (default /opt/dagster/pipes)
  DAGNIX_PIPES_SNAPSHOTS  serve the project from copies in this folder, each made at a reload
  DAGNIX_WATCH            0: do not reload such a project by itself when it is edited
  DAGNIX_SOCKETS          the folder of the Unix sockets (default /run/dagnix), with a folder for each
                          code location; a workspace.yaml in it takes the place of the image's
  DAGNIX_TICK_DAYS        how many days ticks are kept, in place of what dagster.yaml says
  DAGNIX_SENSOR_SECONDS …
                          how long a code server may take for a tick of a sensor, of a schedule
                          (DAGNIX_SCHEDULE_SECONDS), to send its definitions (DAGNIX_LOAD_SECONDS) and
                          for anything else (DAGNIX_ANSWER_SECONDS)
  DAGNIX_LOCATION         the code location that is served here (default pipes)
  DAGNIX_SETTINGS         a file of settings, without .toml, that goes on top of default.toml

Files of start, of which the code's variables are made anew for each code server:
  /etc/dagnix/settings/   default.toml and others: NAME = "value" for all code locations, and a table
                          for what one of them has
  /run/secrets/shared/, /run/secrets/location/
                          files whose names are variables, for all and for this code location; NAME_FILE
                          is the path of a copy

Environment of postgres:
  PGDATA                  the volume (default /var/lib/postgresql/data); the cluster of
                          PostgreSQL 17 stands in its folder 17
  DAGSTER_PG_PASSWORD_FILE, STORAGE_PG_PASSWORD_FILE
                          (default /run/secrets/dagster-password, /run/secrets/storage-password)
  DAGNIX_PG_LOCATIONS     the folder with the passwords of further code locations, each in a file of
                          its name (default /run/secrets/storage); the roles of a-b are storage_a_b
                          and, for its runs, dagster_a_b
  DAGNIX_PG_CONFIG        settings to add, if the file exists (default /etc/postgresql/dagnix.conf)
  DAGNIX_PG_BINDIR        where postgres and initdb are (default /usr/lib/postgresql/VERSION/bin)
  DAGNIX_PG_MEMORY        the container's memory, such as 1g: no query gets more than half of what
                          Postgres's shared memory leaves of it
  DAGNIX_PG_SOCKETS       the folder of the superuser's socket and password (default /run/postgresql)
  DAGNIX_PG_SHARED_SOCKETS
                          the folder of the socket for others, if it is there (default
                          /run/dagnix/postgres)
  DAGNIX_PG_LISTEN        addresses to listen on as well, such as * (default none)

Environment of health:
  DAGNIX_DISK_WARN        below so much room on a disk that is written to the line has a warning: 2g or
                          8% (default: the smaller of 1g and 10%)
  DAGNIX_DISK_FLOOR       below so much the service is not well (default: the smaller of 200m and 2%)

Environment of backups:
  COMPOSE_PROJECT_NAME    the instance, whose name backups carry
  DAGNIX_BACKUP_HOURS     how often a backup is made (default 24; 0 is never)
  DAGNIX_BACKUPS_KEPT     how many of those are kept (default 7)
  DAGNIX_BACKUPS_DIR      the folder for them (default /var/backups)
  DAGNIX_FILES_DIR        the folder of the volumes with files (default /var/lib/dagnix/files)

Files and environment of alerts:
  /run/secrets/alerts/    a file for each channel: slack, teams and webhook have a web address, mail
                          has smtp://USER:PASSWORD@HOST:PORT/TO?from=FROM, command has a command that is
                          run in /etc/dagnix/alerts with an alert as JSON on its standard input, and
                          ping the address that is asked for once a minute
  DAGNIX_ALERT_OFF        kinds that are not told, with commas between them
  DAGNIX_ALERT_LINK       the dashboard's address, for links in alerts
  DAGNIX_ALERT_AFTER_SECONDS, DAGNIX_ALERT_AGAIN_HOURS
                          how long something is wrong before it is told (default 120), and after how long
                          it is told again while it lasts (default 24; 0 is never)
  DAGNIX_ALERT_QUEUE_MINUTES, DAGNIX_ALERT_TICK_MINUTES
                          how long a run may wait in the queue (default 60; 0 is without limit), and how
                          late a schedule's tick may be (default 5)
  DAGNIX_ALERT_LOOK_SECONDS
                          the pause between two looks (default 30)
  DAGNIX_ALERT_BACKUPS    0: the instance has no service backup
  DAGNIX_ALERT_STATE      the folder for what was told (default /var/lib/dagster/alerts)
`

// exitUsage is for words on the command line that make no sense, as in most shells.
const exitUsage = 2

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(arguments []string, stdout, stderr io.Writer) int {
	// Not in the map itself: the package alerts imports health, to ask the other services.
	health.Checks["alerts"] = checkAlerts
	command, rest := "", arguments
	if len(arguments) > 0 {
		command, rest = arguments[0], arguments[1:]
	}
	// PID 1 has no default signal handlers: without these a stop during the wait would be ignored.
	ctx, restore := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer restore()
	if service, is := serviceOf(command, rest); is {
		inJSON, err := logs.Wanted()
		if err != nil {
			return report(ctx, err, stderr)
		}
		if inJSON {
			return logs.Run(service)
		}
	}
	switch {
	case command == "--help" || command == "-h" || command == "help":
		fmt.Fprint(stdout, help)
		return 0
	case command == "start" && len(rest) > 0:
		return report(ctx, start(ctx, rest, stderr), stderr)
	case command == "postgres" && len(rest) == 0:
		return report(ctx, cluster.Run(ctx, stderr), stderr)
	case command == "roles" && len(rest) == 0:
		roles := func() (string, error) {
			names, err := cluster.ApplyLocations(ctx, stderr)
			return strings.Join(names, "\n"), err
		}
		return tell(ctx, roles, stdout, stderr)
	case command == "backups" && len(rest) == 0:
		return followBackups(ctx, stderr)
	case command == "alerts" && len(rest) == 0:
		return followAlerts(ctx, stderr)
	case command == "alerts" && len(rest) == 1 && rest[0] == "test":
		return testAlerts(ctx, stdout, stderr)
	case command == "backup" && len(rest) == 0:
		return writeBackup(ctx, true, stdout, stderr)
	case command == "backup" && len(rest) == 1 && rest[0] == "--no-files":
		return writeBackup(ctx, false, stdout, stderr)
	case command == "describe" && len(rest) == 0:
		return tell(ctx, func() (string, error) { return backup.Describe(ctx) }, stdout, stderr)
	case command == "kept" && len(rest) == 0:
		return tell(ctx, func() (string, error) { return keptBackup(ctx) }, stdout, stderr)
	case command == "forget" && len(rest) == 0:
		return tell(ctx, func() (string, error) { return "", backup.Forget(ctx) }, stdout, stderr)
	case command == "restore" && len(rest) > 0:
		return restoreStep(ctx, rest, stderr)
	case command == "code":
		return tell(ctx, func() (string, error) { return code(ctx, rest) }, stdout, stderr)
	case command == "check" && len(rest) == 0:
		if err := codeserver.Check(ctx, stderr); err != nil {
			fmt.Fprintln(stdout, err)
			return 1
		}
		return 0
	case command == "reload" && len(rest) == 0:
		return reload(ctx, stdout)
	case command == "serving" && len(rest) == 0:
		serving := func() (string, error) { return runserver.Serving(codeserver.Location()) }
		return tell(ctx, serving, stdout, stderr)
	case (command == "serve" || command == "leave") && len(rest) == 0:
		do := func() (string, error) {
			_, err := runserver.Ask(ctx, codeserver.Location(), command)
			return "", err
		}
		return tell(ctx, do, stdout, stderr)
	case command == "runs" && len(rest) == 0:
		runs := func() (string, error) {
			state, err := runserver.Ask(ctx, codeserver.Location(), "ping")
			return strings.Join(state.Runs, "\n"), err
		}
		return tell(ctx, runs, stdout, stderr)
	case command == "health" && len(rest) == 1 && health.Checks[rest[0]] != nil:
		return check(ctx, health.Checks[rest[0]], 0, stdout)
	case command == "health" && len(rest) == 2 && health.Checks[rest[0]] != nil:
		if seconds, err := strconv.ParseUint(rest[1], 10, 16); err == nil {
			return check(ctx, health.Checks[rest[0]], time.Duration(seconds)*time.Second, stdout)
		}
	}
	fmt.Fprint(stderr, "runtime: unknown or incomplete command; `runtime --help` lists them.\n")
	return exitUsage
}

// report ends a command that returns only if it could not become the program it should become.
func report(ctx context.Context, err error, stderr io.Writer) int {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		fmt.Fprintln(stderr, "runtime: stopped by a signal before the start was complete.")
	} else {
		fmt.Fprintf(stderr, "runtime: %v\n", err)
	}
	return 1
}

// tell prints what was done or found, if there is anything to say.
func tell(ctx context.Context, do func() (string, error), stdout, stderr io.Writer) int {
	said, err := do()
	if err != nil {
		return report(ctx, err, stderr)
	}
	if said != "" {
		fmt.Fprintln(stdout, said)
	}
	return 0
}

// reload tells how that went; why code does not load is an answer, too.
func reload(ctx context.Context, stdout io.Writer) int {
	said, err := codeserver.Reload(ctx)
	if err != nil {
		fmt.Fprintln(stdout, err)
		return 1
	}
	fmt.Fprintln(stdout, said)
	return 0
}

// code returns what the code server begins with, as JSON.
func code(ctx context.Context, used []string) (string, error) {
	found, err := codeserver.Prepare(ctx, used)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(found)
	return string(text), err
}

func check(ctx context.Context, probe health.Check, patience time.Duration, stdout io.Writer) int {
	well, err := health.Wait(ctx, probe, patience)
	if err != nil {
		fmt.Fprintln(stdout, health.OneLine(err.Error()))
		return health.ExitCode(err)
	}
	fmt.Fprintln(stdout, health.OneLine(well))
	return 0
}
