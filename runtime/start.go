package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"dagnix/runtime/internal/codeserver"
	"dagnix/runtime/internal/dagster"
	"dagnix/runtime/internal/database"
	"dagnix/runtime/internal/launch"
	"dagnix/runtime/internal/secret"
	"dagnix/runtime/internal/workspace"
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
	var prepare dagster.Preparation = dagster.Command
	if command[0] == "dagster-daemon" {
		prepare = dagster.DaemonCommand
		if err := dagster.KeepTicks(os.TempDir()); err != nil {
			return err
		}
	}
	shows := command[0] == "dagster-webserver"
	if shows {
		prepare = dagster.WebserverCommand
	}
	serves := command[0] == "code-server"
	if serves {
		prepare = dagster.CodeServerCommand(codeserver.Host(), codeserver.IsGone)
		// Before anything that may take long or fail: the daemon looks for it only when it starts.
		if err := codeserver.Claim(ctx); err != nil {
			return err
		}
		if command, err = codeserver.Command(command[1:]); err != nil {
			return err
		}
		// Each inner server takes what there is when it begins.
		if err := codeserver.CheckVariables(); err != nil {
			return err
		}
	} else if err := codeserver.ExportVariables(); err != nil {
		return err
	}
	if command, err = workspace.Here().Read(command, stderr); err != nil {
		return err
	}
	dagsters := strings.HasPrefix(command[0], "dagster")
	if shows {
		// The last program to run before the webserver's own: it starts a thread, and a process that has
		// one does not fork safely.
		if command, err = workspace.Here().Refresh(command); err != nil {
			return err
		}
	}
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
		if prefix == "DAGSTER_PG" && dagsters {
			command, err = prepare(ctx, pool, command)
		}
		pool.Close()
		if err != nil {
			return err
		}
	}
	if serves {
		if err := codeserver.PrepareSnapshots(ctx); err != nil {
			return err
		}
		if command, err = codeserver.ThroughForks(command); err != nil {
			return err
		}
		if err := codeserver.StartGuard(stderr); err != nil {
			return err
		}
	}
	return launch.Become(command)
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
