package dagster

import (
	"context"
	_ "embed"
	"fmt"

	"dagnix/runtime/internal/database"
)

//go:embed first_start.py
var firstStart string

// One table of each storage: Dagster makes all tables of a storage in one transaction, when this one
// is not there (_init_db in dagster_postgres 1.13).
const haveTables = `SELECT count(*) = 3 FROM unnest(ARRAY['runs', 'event_logs', 'jobs']) name WHERE to_regclass(name) IS NOT NULL`

// Command returns the command to run in place of the given one of Dagster's: itself, or while the
// tables are not in Postgres, one that makes them first.
func Command(ctx context.Context, config *database.Config, command []string) ([]string, error) {
	pool, err := database.Open(config.Config)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	var there bool
	if err := pool.QueryRowContext(ctx, haveTables).Scan(&there); err != nil {
		return nil, fmt.Errorf("cannot look for Dagster's tables in Postgres at %s: %w", config.Address(), err)
	}
	if there {
		return command, nil
	}
	return append([]string{"python", "-c", firstStart, haveTables}, command...), nil
}
