package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"dagnix/runtime/internal/codeserver"
	"dagnix/runtime/internal/dagster"
	"dagnix/runtime/internal/database"
	"dagnix/runtime/internal/launch"
	"dagnix/runtime/internal/runserver"
	"dagnix/runtime/internal/secret"
)

// start replaces this process with the command. It returns only if that fails.
func start(ctx context.Context, command []string, stderr io.Writer) error {
	if err := secret.Export(); err != nil {
		return err
	}
	limit, err := waitLimit()
	if err != nil {
		return err
	}
	if err := dagster.ExportTimeouts(); err != nil {
		return err
	}
	if err := dagster.KeepTicks(os.TempDir()); err != nil {
		return err
	}
	serves := command[0] == "code-server"
	if serves {
		if command, err = codeserver.Command(); err != nil {
			return err
		}
	} else if err := enter(command); err != nil {
		return err
	}
	command = workspace(command)
	for _, prefix := range []string{"DAGSTER_PG", "STORAGE_PG"} {
		config, err := database.FromEnvironment(prefix)
		if err != nil {
			return err
		}
		if config == nil {
			continue
		}
		pool, err := config.Wait(ctx, limit, stderr)
		if err != nil {
			return err
		}
		if prefix == "DAGSTER_PG" && command[0] == "dagster-daemon" {
			err = requeueLaunches(ctx, pool)
		}
		pool.Close()
		if err != nil {
			return err
		}
	}
	return launch.Become(command)
}

// enter gives this process the settings and secrets of the code and, if it is to load the code, as the
// Job of a run is, all that a code server has.
func enter(command []string) error {
	if len(command) > 1 && command[0] == "dagster" && command[1] == "api" {
		_, err := codeserver.Enter()
		return err
	}
	return codeserver.ExportVariables()
}

// workspace has a program of Dagster's read the file with all code locations, where `./dagnix` has
// written one, in place of the image's.
func workspace(command []string) []string {
	written := filepath.Join(runserver.Folder(), "workspace.yaml")
	at := slices.Index(command, "--workspace")
	if _, err := os.Stat(written); err != nil || at < 0 || at+1 == len(command) {
		return command
	}
	command = slices.Clone(command)
	command[at+1] = written
	return command
}

// requeueLaunches puts runs back into the queue whose launch the daemon before this one did not end. It
// imports Dagster, so only if there may be some.
func requeueLaunches(ctx context.Context, pool *sql.DB) error {
	found, err := dagster.HasStartingRuns(ctx, pool)
	if err != nil {
		return fmt.Errorf("cannot look for runs to make up for in Postgres: %w", err)
	}
	if !found {
		return nil
	}
	requeue := exec.CommandContext(ctx, "python", "-P", "-m", "dagster_dagnix.requeue")
	requeue.Stdout, requeue.Stderr = os.Stdout, os.Stderr
	if err := requeue.Run(); err != nil {
		return fmt.Errorf("the runs whose launch was interrupted are not put back into the queue: %w", err)
	}
	return nil
}

func waitLimit() (time.Duration, error) {
	text := os.Getenv("DAGNIX_WAIT_SECONDS")
	if text == "" {
		text = "60"
	}
	seconds, err := strconv.Atoi(text)
	if err != nil || seconds < 0 {
		return 0, fmt.Errorf("DAGNIX_WAIT_SECONDS is %q: give a whole number of seconds, such as 60", text)
	}
	return time.Duration(seconds) * time.Second, nil
}
