package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"dagnix/runtime/internal/backup"
	"dagnix/runtime/internal/health"
	said "dagnix/runtime/internal/report"
)

// followBackups makes backups as they are due, until a signal ends it.
func followBackups(ctx context.Context, stderr io.Writer) int {
	schedule, err := backup.ScheduleFromEnvironment()
	if err != nil {
		return report(ctx, err, stderr)
	}
	if _, err := os.Stat(filepath.Dir(health.BackupSocket())); err != nil { // as on Kubernetes
		schedule.Follow(ctx, stderr)
		return 0
	}
	say := func(context.Context) any { return health.ReportBackups(schedule) }
	if err := said.Listen(ctx, health.BackupSocket(), say); err != nil {
		fmt.Fprintf(stderr, "runtime: nobody is told how the backups are: %v\n", err)
	}
	schedule.Follow(ctx, stderr)
	return 0
}

// writeBackup writes one to stdout, with or without files.
func writeBackup(ctx context.Context, files bool, stdout, stderr io.Writer) int {
	var volumes []string
	var err error
	if files {
		volumes, err = backup.Volumes()
	}
	if err == nil {
		err = backup.Write(ctx, volumes, stdout, stderr)
	}
	if err != nil {
		return report(ctx, err, stderr)
	}
	return 0
}

// restoreStep does one step of a restore, which reads what it restores from stdin.
func restoreStep(ctx context.Context, words []string, stderr io.Writer) int {
	var err error
	switch step := backup.Steps[words[0]]; {
	case step != nil && len(words) == 1:
		err = step(ctx, os.Stdin)
	case words[0] == "files" && len(words) == 2:
		err = backup.RestoreFiles(words[1], os.Stdin)
	default:
		err = fmt.Errorf("there is no step %q of a restore", words)
	}
	if err != nil {
		return report(ctx, err, stderr)
	}
	return 0
}

// keptBackup says `kept` if there is a database from before the last restore.
func keptBackup(ctx context.Context) (string, error) {
	kept, err := backup.Kept(ctx)
	if kept {
		return "kept", err
	}
	return "", err
}
