package backup

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"dagnix/runtime/internal/cluster"
	"dagnix/runtime/internal/database"
)

// Databases: the one that is served, one that is being restored, and the one that a restored one has
// followed.
const (
	Database = "dagster"
	restored = "dagster_restored"
	replaced = "dagster_before_restore"
)

// run runs one of Postgres's programs as the superuser; what it says on stderr is the error.
func run(ctx context.Context, in io.Reader, out io.Writer, name string, arguments ...string) error {
	arguments = append([]string{"--host=" + cluster.Sockets(), "--username=" + cluster.Superuser}, arguments...)
	command := exec.CommandContext(ctx, name, arguments...)
	command.Env = append(os.Environ(), "PGPASSFILE="+cluster.PasswordFile())
	said := new(bytes.Buffer)
	command.Stdin, command.Stdout, command.Stderr = in, out, said
	if err := command.Run(); err != nil {
		if words := strings.TrimSpace(said.String()); words != "" {
			return fmt.Errorf("%s (%w)", words, err)
		}
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// open connects as the superuser.
func open(name string) (*sql.DB, error) {
	config, err := database.OnSocket(cluster.Sockets(), cluster.Superuser, cluster.PasswordFile())
	if err != nil {
		return nil, err
	}
	config.Database = name
	return database.Open(config)
}

// describe says what is backed up, but for its files.
func describe(ctx context.Context) (Manifest, error) {
	about := Manifest{Format: format, Instance: os.Getenv("COMPOSE_PROJECT_NAME"), Made: time.Now().UTC().Truncate(time.Second)}
	db, err := open(Database)
	if err != nil {
		return about, err
	}
	defer db.Close()
	row := db.QueryRowContext(ctx, "SELECT system_identifier, current_setting('server_version') FROM pg_control_system()")
	if err := row.Scan(&about.Cluster, &about.Postgres); err != nil {
		return about, fmt.Errorf("Postgres does not answer: %w", err)
	}
	return about, nil
}

// settingsQuery returns the statements that give a database, under the name that it is restored under,
// the rights and settings of another. Values of lists are stored as they are written.
const settingsQuery = `
SELECT format('GRANT %s ON DATABASE %I TO %s', privilege_type, $2::text,
              CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END)
       || CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
FROM pg_database, aclexplode(datacl) WHERE datname = $1
UNION ALL
SELECT format('ALTER %s SET %I TO %s',
              CASE setrole WHEN 0 THEN format('DATABASE %I', $2::text)
                           ELSE format('ROLE %I IN DATABASE %I', pg_get_userbyid(setrole), $2::text) END,
              split_part(entry, '=', 1),
              CASE WHEN split_part(entry, '=', 1) IN
                        ('search_path', 'temp_tablespaces', 'local_preload_libraries', 'session_preload_libraries')
                   THEN substr(entry, strpos(entry, '=') + 1)
                   ELSE quote_literal(substr(entry, strpos(entry, '=') + 1)) END)
FROM pg_db_role_setting JOIN pg_database ON setdatabase = pg_database.oid, unnest(setconfig) AS entry
WHERE datname = $1`

func writeSettings(ctx context.Context, to io.Writer) error {
	db, err := open(Database)
	if err != nil {
		return err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, settingsQuery, Database, restored)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var statement string
		if err := rows.Scan(&statement); err != nil {
			return err
		}
		fmt.Fprintf(to, "%s;\n", statement)
	}
	return rows.Err()
}
