package health

import (
	"context"
	"path/filepath"
	"time"

	"dagnix/runtime/internal/backup"
	"dagnix/runtime/internal/runserver"
)

// BackupReport is what the service backup says of itself.
type BackupReport struct {
	// Problem is what is wrong with the backups, "" if nothing.
	Problem string `json:"problem"`
	// Low are the disks that are almost full: what they hold → how much is free.
	Low map[string]string `json:"low"`
}

// BackupSocket is where the service backup says how it is.
func BackupSocket() string { return filepath.Join(runserver.Folder(), "backup", "report.sock") }

// ReportBackups returns how the backups of this container are, and the disks that it sees.
func ReportBackups(schedule *backup.Schedule) BackupReport {
	said := BackupReport{}
	if _, err := schedule.Check(); err != nil {
		said.Problem = err.Error()
	} else {
		said.Problem = schedule.Late(time.Now())
	}
	folders := map[string]string{"backups": schedule.Folder()}
	volumes, _ := backup.Volumes()
	for _, each := range volumes {
		folders[each] = filepath.Join(backup.Files(), each)
	}
	low, err := Low(folders)
	if err != nil && said.Problem == "" {
		said.Problem = err.Error()
	}
	said.Low = low
	return said
}

// Webserver asks the webserver from another container, whose prefix of all paths is the same.
func Webserver(ctx context.Context, prefix string) error {
	_, err := webserver(ctx, WebserverSocket(), prefix)
	return err
}
