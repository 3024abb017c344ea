package dagster

import (
	"context"
	"database/sql"

	"dagnix/runtime/internal/database"
)

const (
	startingRuns = `SELECT run_id FROM runs WHERE status = 'STARTING'`
	// The run as JSON names the folder that its code is imported from.
	unfinishedRuns = `SELECT run_body FROM runs WHERE status IN ('NOT_STARTED', 'MANAGED', 'QUEUED', 'STARTING', 'STARTED', 'CANCELING')`
)

// HasStartingRuns tells whether there are runs whose launch may have been interrupted, as the daemon was
// killed. There are none while Dagster has no tables.
func HasStartingRuns(ctx context.Context, pool *sql.DB) (bool, error) {
	var there bool
	if err := pool.QueryRowContext(ctx, "SELECT to_regclass('runs') IS NOT NULL").Scan(&there); err != nil || !there {
		return false, err
	}
	found, err := texts(ctx, pool, startingRuns)
	return len(found) > 0, err
}

// UnfinishedRuns returns the runs that are still to be executed or are being so, as Dagster's JSON.
func UnfinishedRuns(ctx context.Context, config *database.Config) ([]string, error) {
	pool, err := database.Open(config.Config)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	return texts(ctx, pool, unfinishedRuns)
}

func texts(ctx context.Context, pool *sql.DB, query string) ([]string, error) {
	rows, err := pool.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []string
	for rows.Next() {
		var each string
		if err := rows.Scan(&each); err != nil {
			return nil, err
		}
		found = append(found, each)
	}
	return found, rows.Err()
}
