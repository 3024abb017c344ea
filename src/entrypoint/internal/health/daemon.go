package health

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"dagnix/runtime/internal/dagster"
	"dagnix/runtime/internal/database"
)

func checkDaemon(ctx context.Context) (string, error) {
	config, err := database.FromEnvironment("DAGSTER_PG")
	if err != nil {
		return "", err
	}
	if config == nil {
		return "", errors.New("DAGSTER_PG_HOST is not set: the daemons' heartbeats are read from Dagster's Postgres")
	}
	required, err := dagster.RequiredDaemons(filepath.Join(os.Getenv("DAGSTER_HOME"), "dagster.yaml"))
	if err != nil {
		return "", err
	}
	started, err := processStart(1) // the container's init, which starts the daemon at once
	if err != nil {
		return "", err
	}
	return daemon(ctx, config, required, started)
}

func daemon(ctx context.Context, config *database.Config, required []string, started time.Time) (string, error) {
	heartbeats, err := readHeartbeats(ctx, config)
	if refusal := pq.As(err, pqerror.UndefinedTable); refusal != nil {
		return "", errors.New("Dagster's tables are not in Postgres yet: the daemon makes them when it first starts")
	}
	if err != nil {
		return "", config.Explain(err)
	}
	return dagster.DaemonHealth(required, heartbeats, started, time.Now())
}

func readHeartbeats(ctx context.Context, config *database.Config) ([]dagster.Heartbeat, error) {
	db, err := database.Open(config.Config)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	return Heartbeats(ctx, db)
}

// Heartbeats reads those of all daemons. It leaves the schema to the role's search_path, as Dagster does.
func Heartbeats(ctx context.Context, db *sql.DB) ([]dagster.Heartbeat, error) {
	rows, err := db.QueryContext(ctx, "SELECT body FROM daemon_heartbeats")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var heartbeats []dagster.Heartbeat
	for rows.Next() {
		var body string
		if err := rows.Scan(&body); err != nil {
			return nil, err
		}
		heartbeat, err := dagster.ParseHeartbeat(body)
		if err != nil {
			return nil, err
		}
		heartbeats = append(heartbeats, heartbeat)
	}
	return heartbeats, rows.Err()
}

// ticksPerSecond is the unit of times in /proc/PID/stat, the same on all of Linux' architectures
// that Dagnix builds for (USER_HZ).
const ticksPerSecond = 100

// processStart is when a process started (proc(5), sysinfo(2)), up to a second early.
func processStart(pid int) (time.Time, error) {
	path := fmt.Sprintf("/proc/%d/stat", pid)
	stat, err := os.ReadFile(path)
	if err != nil {
		return time.Time{}, err
	}
	var system syscall.Sysinfo_t
	if err := syscall.Sysinfo(&system); err != nil {
		return time.Time{}, err
	}
	// The command's name, in brackets, may hold blanks; starttime is field 22, the 20th after it.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 20 {
		return time.Time{}, fmt.Errorf("%s is not as in proc(5)", path)
	}
	ticks, err := strconv.ParseInt(fields[19], 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s is not as in proc(5): %w", path, err)
	}
	age := time.Duration(system.Uptime)*time.Second - time.Duration(ticks)*(time.Second/ticksPerSecond)
	return time.Now().Add(-age), nil
}
