package cluster

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"dagnix/runtime/internal/secret"
)

// database is the one database; Dagster and the pipelines of each code location have a schema in it.
const database = "dagster"

// dagster is the role of Dagster's own services, storage that of the pipelines of the first location.
const dagster, storage = "dagster", "storage"

// runs is the role of what the runs of all code locations have in common: rights on Dagster's tables,
// which dagster, whose they are, gives it (src/dagster_dagnix/dagster_dagnix/rights.py).
const runs = "code_location"

// role is a role that may log in. It owns the schema of its own name, or is that of a code location's
// runs, which write in Dagster's.
type role struct {
	name, password string
	ofRuns         bool
	// iterations of its password's hash. Each costs who logs in, and who guesses.
	iterations int
}

// leastIterations is what lib/pq takes at least.
const leastIterations = 1000

// leastOfRFC7677 is what a client may want at least; Postgres's own choice.
const leastOfRFC7677 = 4096

// readRoles reads the passwords. There is no default password.
func readRoles(log io.Writer) ([]role, error) {
	// Dagster logs in for each thing that it asks, 6 times a second while nothing happens, and
	// Postgres's 4096 iterations cost it 4 ms of CPU each time. Nobody guesses 24 random bytes. The
	// pipelines may have a client that wants all 4096 (RFC 7677).
	roles := []role{{name: dagster, iterations: leastIterations}, {name: storage, iterations: leastOfRFC7677}}
	for i := range roles {
		variable := strings.ToUpper(roles[i].name) + "_PG_PASSWORD_FILE"
		password, err := readPassword(valueOr(variable, secret.Directory+roles[i].name+"-password"))
		if err != nil {
			return nil, fmt.Errorf("Postgres does not start without a password for the role %q: %w", roles[i].name, err)
		}
		roles[i].password = password
	}
	roles = append(roles, role{name: dagster + "_" + first, password: roles[1].password, ofRuns: true, iterations: leastIterations})
	return append(roles, locationRoles(log)...), nil
}

func readPassword(path string) (string, error) {
	password, err := secret.Read(path)
	if err == nil && strings.ContainsFunc(password, unicode.IsControl) {
		err = fmt.Errorf("the password in %s must be one line without control characters", path)
	}
	return password, err
}

// applyRoles brings roles, passwords, schemas and rights to what they should be, at every start: so
// the secret files are the truth, and an interrupted first start is made up for. It uses Postgres's
// single-user mode, in which nobody else can connect.
func (c *cluster) applyRoles(ctx context.Context, superuser role, roles []role) error {
	statements := slices.Concat(passwordStatements(superuser), roleStatements(roles), limitConnections(roles), databaseStatements())
	script := strings.Join(statements, ";\n\n") + ";\n\n"
	output, err := c.singleUser(ctx, database, script)
	if err != nil && strings.Contains(output, fmt.Sprintf("database %q does not exist", database)) {
		if output, err = c.singleUser(ctx, Superuser, "CREATE DATABASE "+database+";\n\n"); err == nil {
			output, err = c.singleUser(ctx, database, script)
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return c.failure("Postgres's roles and schemas cannot be set up", output, err)
	}
	fmt.Fprintln(c.log, "runtime: roles, passwords and schemas are in place")
	return nil
}

// singleUser runs statements, each ended by ";" and an empty line, until one fails.
func (c *cluster) singleUser(ctx context.Context, database, statements string) (string, error) {
	return c.execute(ctx, statements, "postgres", "--single", "-j", "-D", c.folder(),
		"-c", "exit_on_error=on",
		"-c", "standard_conforming_strings=on",
		// A failing statement must not put a password into the log.
		"-c", "log_min_error_statement=panic",
		"-c", "log_statement=none",
		"-c", "log_min_duration_statement=-1",
		"-c", "log_destination=stderr",
		"-c", "logging_collector=off",
		database)
}

// passwordStatements set a role's password.
func passwordStatements(role role) []string {
	return []string{
		// Postgres before 16 always uses 4096.
		fmt.Sprintf("DO $$BEGIN PERFORM set_config(name, '%d', false) FROM pg_settings WHERE name = 'scram_iterations'; END$$", role.iterations),
		fmt.Sprintf("ALTER ROLE %s PASSWORD %s", role.name, quote(role.password)),
	}
}

// roleStatements give each role its password, schema and rights. They can run any number of times. No
// identifier in them needs quoting.
func roleStatements(roles []role) []string {
	var statements []string
	statement := func(format string, values ...any) {
		statements = append(statements, fmt.Sprintf(format, values...))
	}
	create := func(name string) {
		statement("DO $$BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '%s') THEN CREATE ROLE %s; END IF; END$$", name, name)
	}
	create(runs)
	for _, role := range roles {
		create(role.name)
		statement("ALTER ROLE %s LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS", role.name)
		statements = append(statements, passwordStatements(role)...)
		statement("GRANT CONNECT, TEMPORARY ON DATABASE %s TO %s", database, role.name)
		if role.ofRuns {
			statement("ALTER ROLE %s SET search_path = %s", role.name, dagster)
			statement("GRANT %s TO %s", runs, role.name)
			continue
		}
		statement("ALTER ROLE %s SET search_path = %s", role.name, role.name)
		statement("CREATE SCHEMA IF NOT EXISTS %s", role.name)
		statement("ALTER SCHEMA %s OWNER TO %s", role.name, role.name)
		statement("REVOKE ALL ON SCHEMA %s FROM PUBLIC", role.name)
	}
	return statements
}

// pipelines are the names of the roles that have the pipelines' own data.
func pipelines(roles []role) []string {
	var names []string
	for _, role := range roles {
		if role.name != dagster && !role.ofRuns {
			names = append(names, role.name)
		}
	}
	return names
}

func databaseStatements() []string {
	return []string{
		"REVOKE CREATE ON SCHEMA public FROM PUBLIC",
		fmt.Sprintf("REVOKE ALL ON DATABASE %s, postgres, template1 FROM PUBLIC", database),
	}
}
