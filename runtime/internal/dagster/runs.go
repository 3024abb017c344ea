package dagster

import (
	"context"
	"database/sql"
	"regexp"
	"slices"

	"dagnix/runtime/internal/database"
)

// The launcher tags a run with the code server that it asks to execute it (DefaultRunLauncher in
// Dagster 1.13).
const launched = `SELECT run_id, status, value::json->>'host' FROM runs JOIN run_tags USING (run_id)
WHERE status IN ('STARTING', 'STARTED', 'CANCELING') AND key = '.dagster/grpc_info' AND value::json->>'host' IS NOT NULL`

const starting = `SELECT run_id, status, '' FROM runs WHERE status = 'STARTING'`

type run struct{ id, status, host string }

// containerID is the host name of a code server that podman or docker named.
var containerID = regexp.MustCompile("^[0-9a-f]{12}$")

// Unfinished returns the IDs of the runs that the code server at this host executes.
func Unfinished(ctx context.Context, config *database.Config, host string) ([]string, error) {
	pool, err := database.Open(config.Config)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	all, err := runs(ctx, pool, launched)
	return ids(all, func(each run) bool { return each.host == host }), err
}

// lostAt returns the IDs of the runs whose processes have ended with a code server at this host, or
// with a container that is gone. A run that is STARTING is left alone: the daemon may be asking for
// it just now. So is one at a host that a person named: it may only be out of sight.
func lostAt(ctx context.Context, pool *sql.DB, host string, gone func(string) bool) ([]string, error) {
	all, err := runs(ctx, pool, launched)
	known := map[string]bool{host: true}
	return ids(all, func(each run) bool {
		if each.status == "STARTING" {
			return false
		}
		if _, asked := known[each.host]; !asked {
			known[each.host] = containerID.MatchString(each.host) && gone(each.host)
		}
		return known[each.host]
	}), err
}

func startingRuns(ctx context.Context, pool *sql.DB) ([]string, error) {
	all, err := runs(ctx, pool, starting)
	return ids(all, func(run) bool { return true }), err
}

func ids(all []run, wanted func(run) bool) []string {
	var found []string
	for _, each := range slices.DeleteFunc(all, func(each run) bool { return !wanted(each) }) {
		found = append(found, each.id)
	}
	return found
}

func runs(ctx context.Context, pool *sql.DB, query string) ([]run, error) {
	rows, err := pool.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []run
	for rows.Next() {
		var each run
		if err := rows.Scan(&each.id, &each.status, &each.host); err != nil {
			return nil, err
		}
		found = append(found, each)
	}
	return found, rows.Err()
}
