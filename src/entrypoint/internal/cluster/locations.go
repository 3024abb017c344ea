package cluster

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	connect "dagnix/runtime/internal/database"
	"dagnix/runtime/internal/secret"
)

// passwords is the folder with the passwords of further code locations, each in a file of its name.
func passwords() string { return valueOr("DAGNIX_PG_LOCATIONS", secret.Directory+"storage") }

// locationName is what `./dagnix location add` takes.
var locationName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,30}$`)

// first is the code location that is always there.
const first = "pipes"

// rolesOf are the roles of a further code location, which have one password: that of its pipelines'
// data, and that of its runs.
func rolesOf(location, password string) []role {
	name := "_" + strings.ReplaceAll(location, "-", "_")
	return []role{
		{name: storage + name, password: password, iterations: leastOfRFC7677},
		{name: dagster + name, password: password, iterations: leastIterations, ofRuns: true},
	}
}

// locationRoles reads the passwords of further code locations. One that cannot be read is told, and
// its roles stay as they are: it must not keep Postgres from the others.
func locationRoles(log io.Writer) []role {
	entries, _ := os.ReadDir(passwords()) // there is no folder where there was never a location
	var roles []role
	for _, entry := range entries {
		if !locationName.MatchString(entry.Name()) {
			continue
		}
		password, err := readPassword(filepath.Join(passwords(), entry.Name()))
		if err != nil {
			fmt.Fprintf(log, "runtime: the roles of the code location %s stay as they are: %v\n", entry.Name(), err)
			continue
		}
		roles = append(roles, rolesOf(entry.Name(), password)...)
	}
	return roles
}

// ApplyLocations gives further code locations their roles in the server that runs, as [Run] does at
// each start, all or none. It returns those of the locations' data.
func ApplyLocations(ctx context.Context, log io.Writer) ([]string, error) {
	roles := locationRoles(log)
	config, err := connect.OnSocket(Sockets(), Superuser, PasswordFile())
	if err != nil {
		return nil, fmt.Errorf("Postgres does not run here: %w", err)
	}
	config.Database = database
	db, err := connect.Open(config)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("Postgres does not answer: %w", err)
	}
	defer tx.Rollback()
	prepare := []string{
		// Of two at one time the second would fail.
		"SELECT pg_advisory_xact_lock(hashtext('roles of code locations'))",
		// A password must not get into the log.
		"SET LOCAL log_min_error_statement = panic",
		"SET LOCAL log_statement = none",
		"SET LOCAL log_min_duration_statement = -1",
	}
	limits := limitConnections(append(roles, role{name: storage}))
	for _, statement := range slices.Concat(prepare, roleStatements(roles), limits) {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return nil, fmt.Errorf("Postgres's roles and schemas cannot be set up: %w", err)
		}
	}
	return pipelines(roles), tx.Commit()
}
