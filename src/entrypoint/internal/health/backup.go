package health

import (
	"context"

	"dagnix/runtime/internal/backup"
)

func checkBackup(context.Context) (string, error) {
	schedule, err := backup.ScheduleFromEnvironment()
	if err != nil {
		return "", err
	}
	well, err := schedule.Check()
	if err != nil {
		return "", err
	}
	return withRoom(well, volume{"the folder of backups (DAGNIX_BACKUPS_DIR)", schedule.Folder()})
}
