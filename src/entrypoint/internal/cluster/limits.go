package cluster

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"dagnix/runtime/internal/size"
)

// limitConnections gives the roles of the pipelines' data equal parts of the connections that all of
// them may have: the others are Dagster's, whose services can always connect, as the runs of no code
// location get more than four fifths of those. A setting of the cluster's can change how many those are.
func limitConnections(roles []role) []string {
	const pipelinesHave = "coalesce(nullif(current_setting('dagnix.storage_connections', true), '')::int, " +
		"current_setting('max_connections')::int / 2)"
	var statements []string
	for _, role := range roles {
		limit := fmt.Sprintf("%s / %d", pipelinesHave, len(pipelines(roles)))
		switch {
		case role.ofRuns:
			limit = "(current_setting('max_connections')::int - " + pipelinesHave + ") * 4 / 5"
		case role.name == dagster:
			continue
		}
		statements = append(statements, fmt.Sprintf(
			"DO $$BEGIN EXECUTE format('ALTER ROLE %s CONNECTION LIMIT %%s', greatest(1, %s)); END$$", role.name, limit))
	}
	return statements
}

// limitMemory gives each process of the server so much memory that a query which takes it all fails
// by itself. Without that the kernel would kill its process, and Postgres would end all sessions.
//
// The limit is half of what shared memory leaves of the container's.
func (c *cluster) limitMemory(ctx context.Context) error {
	text := os.Getenv("DAGNIX_PG_MEMORY")
	if text == "" {
		return nil
	}
	memory, err := size.Parse(text)
	if err != nil {
		return fmt.Errorf("DAGNIX_POSTGRES_MEMORY is %q: give a number with its unit, such as 1g or 768m", text)
	}
	if memory == 0 { // no limit
		return nil
	}
	// In MiB; Postgres before 15 does not tell it.
	said, err := c.execute(ctx, "", "postgres", "-D", c.folder(), "-C", "shared_memory_size")
	if err != nil {
		return nil
	}
	lines := strings.Fields(said)
	shared, err := strconv.ParseUint(lines[len(lines)-1], 10, 32)
	if err != nil {
		return fmt.Errorf("Postgres does not tell its shared memory: %q", said)
	}
	limit := shared<<20 + libraries
	if memory > shared<<20 {
		limit += (memory - shared<<20) / 2
	}
	return syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: limit, Max: limit})
}

// libraries is what the server's own files and libraries take of a process's addresses, in bytes.
const libraries = 128 << 20
