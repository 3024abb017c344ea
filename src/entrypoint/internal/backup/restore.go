package backup

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Steps by their names: what `runtime restore STEP` does. None touches what is served but the exchange,
// which is quick. All can be repeated when they were interrupted.
var Steps = map[string]func(context.Context, io.Reader) error{
	"roles":    restoreRoles,
	"database": restoreDatabase,
	"settings": restoreSettings,
	"exchange": exchange,
	"undo":     undo,
}

// RestoreFiles reads files/VOLUME.tar.gz and puts the files beside those of the volume.
func RestoreFiles(volume string, in io.Reader) error {
	volumes, err := Volumes()
	if err != nil {
		return err
	}
	if !slices.Contains(volumes, volume) {
		return fmt.Errorf("there is no volume %s", volume)
	}
	return unpack(in, filepath.Join(Files(), volume))
}

// restoreRoles makes the roles of roles.sql that are not there; those that are there stay as they are,
// with their passwords.
func restoreRoles(ctx context.Context, in io.Reader) error {
	return inPostgres(ctx, func(db *sql.DB) error {
		known := map[string]bool{}
		rows, err := db.QueryContext(ctx, "SELECT quote_ident(rolname) FROM pg_roles")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				return err
			}
			known[name] = true
		}
		return execute(ctx, db, in, func(statement string) bool {
			return !known[roleOf(statement)]
		})
	})
}

// roleOf is the role that a statement of pg_dumpall makes or changes, as it is quoted; "" if it is of
// another kind.
func roleOf(statement string) string {
	for _, verb := range []string{"CREATE ROLE ", "ALTER ROLE "} {
		rest, found := strings.CutPrefix(statement, verb)
		if !found {
			continue
		}
		if !strings.HasPrefix(rest, `"`) {
			name, _, _ := strings.Cut(rest, " ")
			return name
		}
		for end := 1; end < len(rest); end++ {
			if rest[end] != '"' {
				continue
			}
			if end+1 == len(rest) || rest[end+1] != '"' {
				return rest[:end+1]
			}
			end++ // a quote in the name is doubled
		}
	}
	return ""
}

// restoreSettings gives the database that is being restored the rights and settings of database.sql.
func restoreSettings(ctx context.Context, in io.Reader) error {
	return inPostgres(ctx, func(db *sql.DB) error {
		return execute(ctx, db, in, func(string) bool { return true })
	})
}

// execute runs the statements that are chosen, all or none. Each ends with a semicolon and a line.
func execute(ctx context.Context, db *sql.DB, in io.Reader, chosen func(string) bool) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	lines := bufio.NewScanner(in)
	statement := ""
	for lines.Scan() {
		line := lines.Text()
		// Comments, and psql's own commands.
		if statement == "" && (line == "" || strings.HasPrefix(line, "--") || strings.HasPrefix(line, `\`)) {
			continue
		}
		statement += line
		text, ended := strings.CutSuffix(statement, ";")
		if !ended {
			statement += "\n"
			continue
		}
		statement = ""
		if !chosen(text) {
			continue
		}
		if _, err := tx.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	return errors.Join(lines.Err(), tx.Commit())
}

// restoreDatabase makes a new database from database.dump, beside the one that is served. Files come
// after it: those that an interrupted restore has left must not get into this one.
func restoreDatabase(ctx context.Context, in io.Reader) error {
	volumes, err := Volumes()
	if err != nil {
		return err
	}
	for _, volume := range volumes {
		for _, left := range []string{partialFiles, restoredFiles} {
			if err := removeAll(filepath.Join(Files(), volume, left)); err != nil {
				return err
			}
		}
	}
	if err := inPostgres(ctx, func(db *sql.DB) error {
		return inOrder(ctx, db,
			"DROP DATABASE IF EXISTS "+restored+" WITH (FORCE)",
			"CREATE DATABASE "+restored+" TEMPLATE template0",
			"REVOKE ALL ON DATABASE "+restored+" FROM PUBLIC",
			// What the roles have on every start, too.
			"GRANT CONNECT, TEMPORARY ON DATABASE "+restored+" TO dagster, dagster_pipes, storage",
		)
	}); err != nil {
		return err
	}
	if err := run(ctx, in, io.Discard, "pg_restore", "--exit-on-error", "--dbname="+restored); err != nil {
		return err
	}
	db, err := open(restored)
	if err != nil {
		return err
	}
	defer db.Close()
	// A dump has no statistics, without which the first queries would be planned badly.
	return inOrder(ctx, db, "ANALYZE")
}

// tries to rename: a client may come back between the end of its session and that.
const tries = 5

// exchange puts what is restored in place of what is served, which is kept. Files come first: the
// database decides, and all of it takes less than a second.
func exchange(ctx context.Context, _ io.Reader) error {
	volumes, err := Volumes()
	if err != nil {
		return err
	}
	for _, volume := range volumes {
		if err := exchangeFiles(filepath.Join(Files(), volume)); err != nil {
			return err
		}
	}
	return inPostgres(ctx, func(db *sql.DB) error {
		there, err := isThere(ctx, db, restored)
		if err != nil || !there {
			return err // it was done
		}
		if err := inOrder(ctx, db, "DROP DATABASE IF EXISTS "+replaced+" WITH (FORCE)"); err != nil {
			return err
		}
		for range tries {
			if err = rename(ctx, db); err == nil {
				return nil
			}
			time.Sleep(time.Second / 5)
		}
		return err
	})
}

// rename exchanges the databases, both or none.
func rename(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, statement := range []string{
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ('" + Database + "', '" + restored + "')",
		"ALTER DATABASE " + Database + " RENAME TO " + replaced,
		"ALTER DATABASE " + restored + " RENAME TO " + Database,
	} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// undo has the exchange bring back what the last one has replaced.
func undo(ctx context.Context, _ io.Reader) error {
	volumes, err := Volumes()
	if err != nil {
		return err
	}
	for _, volume := range volumes {
		kept := filepath.Join(Files(), volume, replacedFiles)
		if exists(kept) {
			if err := os.Rename(kept, filepath.Join(Files(), volume, restoredFiles)); err != nil {
				return err
			}
		}
	}
	return inPostgres(ctx, func(db *sql.DB) error {
		there, err := isThere(ctx, db, replaced)
		if err != nil || !there {
			return err
		}
		return inOrder(ctx, db,
			"DROP DATABASE IF EXISTS "+restored+" WITH (FORCE)",
			"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '"+replaced+"'",
			"ALTER DATABASE "+replaced+" RENAME TO "+restored,
		)
	})
}

// Kept tells whether there is a database from before the last restore.
func Kept(ctx context.Context) (kept bool, err error) {
	err = inPostgres(ctx, func(db *sql.DB) error {
		kept, err = isThere(ctx, db, replaced)
		return err
	})
	return kept, err
}

// Forget removes what the last restore has replaced.
func Forget(ctx context.Context) error {
	volumes, err := Volumes()
	if err != nil {
		return err
	}
	for _, volume := range volumes {
		if err := removeAll(filepath.Join(Files(), volume, replacedFiles)); err != nil {
			return err
		}
	}
	return inPostgres(ctx, func(db *sql.DB) error {
		return inOrder(ctx, db, "DROP DATABASE IF EXISTS "+replaced+" WITH (FORCE)")
	})
}

func isThere(ctx context.Context, db *sql.DB, name string) (found bool, err error) {
	err = db.QueryRowContext(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&found)
	return found, err
}

func inPostgres(_ context.Context, do func(*sql.DB) error) error {
	db, err := open("postgres")
	if err != nil {
		return err
	}
	defer db.Close()
	return do(db)
}

func inOrder(ctx context.Context, db *sql.DB, statements ...string) error {
	for _, statement := range statements {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}
