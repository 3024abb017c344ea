package dagster

import (
	"context"
	"database/sql"
	_ "embed"
	"fmt"
	"os"
	"strings"

	"dagnix/runtime/internal/database"
)

//go:embed first_start.py
var firstStart string

//go:embed lost_runs.py
var lostRuns string

// One table of each storage: Dagster makes all tables of a storage in one transaction, when this one
// is not there (_init_db in dagster_postgres 1.13).
const haveTables = `SELECT count(*) = 3 FROM unnest(ARRAY['runs', 'event_logs', 'jobs']) name WHERE to_regclass(name) IS NOT NULL`

// The launcher tags a run with the code server that it asks to execute it (DefaultRunLauncher in
// Dagster 1.13). A run that is STARTING is left alone: the daemon may be asking just now, and run
// monitoring sees to those that never start.
const selectLostRuns = `SELECT run_id FROM runs JOIN run_tags USING (run_id)
WHERE status IN ('STARTED', 'CANCELING') AND key = '.dagster/grpc_info'
AND value::json->>'host' = $1 AND value::json->>'port' = $2`

// Command returns the command to run in place of the given one of Dagster's, if something is to be
// done in its process first: while the tables are not in Postgres, make them.
func Command(ctx context.Context, config *database.Config, command []string) ([]string, error) {
	return prepared(ctx, config, command, false)
}

// CodeServerCommand is [Command] for a code server, which before it serves also reports the end of
// the runs that ended with the one before it. Nothing else may serve at the same host and port.
func CodeServerCommand(ctx context.Context, config *database.Config, command []string) ([]string, error) {
	return prepared(ctx, config, command, true)
}

func prepared(ctx context.Context, config *database.Config, command []string, codeServer bool) ([]string, error) {
	pool, err := database.Open(config.Config)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	var there bool
	if err := pool.QueryRowContext(ctx, haveTables).Scan(&there); err != nil {
		return nil, fmt.Errorf("cannot look for Dagster's tables in Postgres at %s: %w", config.Address(), err)
	}
	if !there {
		return append([]string{"python", "-c", firstStart, haveTables}, command...), nil
	}
	if codeServer {
		runs, err := findLostRuns(ctx, pool)
		if err != nil {
			return nil, fmt.Errorf("cannot look for lost runs in Postgres at %s: %w", config.Address(), err)
		}
		if len(runs) > 0 {
			return append([]string{"python", "-c", lostRuns, strings.Join(runs, ",")}, command...), nil
		}
	}
	return command, nil
}

// findLostRuns returns the IDs of runs that are under way in a code server at this one's host and
// port, as the workspace names them.
func findLostRuns(ctx context.Context, pool *sql.DB) ([]string, error) {
	rows, err := pool.QueryContext(ctx, selectLostRuns, os.Getenv("DAGSTER_PIPES_HOST"), os.Getenv("DAGSTER_PIPES_PORT"))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		found = append(found, id)
	}
	return found, rows.Err()
}
