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
	return schedule.Check()
}
