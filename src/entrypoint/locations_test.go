package main

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// withLocations is a server with a password file for each of these code locations.
func withLocations(t *testing.T, names ...string) (*instance, string) {
	t.Helper()
	passwords := folder(t)
	for _, name := range names {
		setPassword(t, passwords, name, "of "+name)
	}
	i := newInstance(t, "DAGNIX_PG_LOCATIONS="+passwords)
	return i, passwords
}

func setPassword(t *testing.T, passwords, location, password string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(passwords, location), []byte(password+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

func works(t *testing.T, db *sql.DB, query string) {
	t.Helper()
	if _, err := db.Exec(query); err != nil {
		t.Errorf("%s: %v", query, err)
	}
}

func TestACodeLocationHasARoleThatReadsNobodyElsesData(t *testing.T) {
	i, passwords := withLocations(t, "a-b")
	i.stop(t)
	i.configure(t, "log_statement = 'all'\nmax_connections = 40\n")
	i.run(t)
	setPassword(t, passwords, "late", "of a latecomer")
	setPassword(t, passwords, "empty", "")
	setPassword(t, passwords, "Not-a-location", "x")
	code, said, told := i.do(t, nil, "roles")
	if code != 0 || string(said) != "storage_a_b\nstorage_late\n" {
		t.Errorf("exit code %d: %s%s", code, said, told)
	}
	if !strings.Contains(told, "the roles of the code location empty stay as they are: the secret file ") {
		t.Errorf("it does not tell of the empty file: %s", told)
	}
	roles := map[string]*sql.DB{
		"dagster":      i.open(t, "dagster", `dagster's \ word`),
		"storage":      i.open(t, "storage", "storage"),
		"storage_a_b":  i.open(t, "storage_a_b", "of a-b"),
		"storage_late": i.open(t, "storage_late", "of a latecomer"),
	}
	for name, db := range roles {
		works(t, db, "CREATE TABLE own (n int)")
		works(t, db, "SELECT * FROM "+name+".own")
	}
	for name, db := range roles {
		for other := range roles {
			if other == name {
				continue
			}
			_, err := db.Exec("SELECT * FROM " + other + ".own")
			if err == nil || !strings.Contains(err.Error(), "permission denied for schema "+other) {
				t.Errorf("%s reads %s: %v", name, other, err)
			}
		}
	}
	limits := i.superuser(t, "postgres", "SELECT rolname, rolconnlimit FROM pg_roles WHERE rolname ~ '^(dagster|storage)' ORDER BY 1")
	if limits != "dagster|-1\ndagster_a_b|16\ndagster_late|16\ndagster_pipes|16\nstorage|6\nstorage_a_b|6\nstorage_late|6" {
		t.Errorf("the limits are %s", limits)
	}

	setPassword(t, passwords, "late", "changed")
	i.must(t, nil, "roles")
	works(t, i.open(t, "storage_late", "changed"), "SELECT * FROM own")
	if _, err := i.open(t, "storage_late", "of a latecomer").Exec("SELECT 1"); err == nil {
		t.Error("the old password still works")
	}
	if log := i.stderr.String(); strings.Contains(log, "of a latecomer") || !strings.Contains(log, "CREATE TABLE own") {
		t.Errorf("the password is in the log, or nothing is: %s", log)
	}

	// The role stays with its data when its file goes, and has what it had after the next start.
	if err := os.Remove(filepath.Join(passwords, "a-b")); err != nil {
		t.Fatal(err)
	}
	i.stop(t)
	i.run(t)
	works(t, i.open(t, "storage_a_b", "of a-b"), "SELECT * FROM own")
	works(t, i.open(t, "storage_late", "changed"), "SELECT * FROM own")
	i.stop(t)
	code, _, told = i.do(t, nil, "roles")
	if code != 1 || !strings.Contains(told, "Postgres does not ") {
		t.Errorf("without a server: exit code %d: %s", code, told)
	}
}

func TestTheRunsOfACodeLocationHaveARoleThatOwnsNothing(t *testing.T) {
	i, passwords := withLocations(t, "a-b")
	setPassword(t, passwords, "late", "of a latecomer")
	i.must(t, nil, "roles")
	owner := i.open(t, "dagster", `dagster's \ word`)
	for _, statement := range []string{"CREATE TABLE events (n int)", "GRANT USAGE ON SCHEMA dagster TO code_location", "GRANT SELECT ON events TO code_location"} {
		works(t, owner, statement)
	}
	for name, password := range map[string]string{"dagster_pipes": "storage", "dagster_a_b": "of a-b", "dagster_late": "of a latecomer"} {
		db := i.open(t, name, password)
		works(t, db, "SELECT * FROM events")
		for _, statement := range []string{
			"CREATE TABLE own (n int)", "CREATE SCHEMA own", "INSERT INTO events VALUES (1)", "SELECT * FROM storage.own", "SET ROLE dagster",
		} {
			if _, err := db.Exec(statement); err == nil || !strings.Contains(err.Error(), "permission denied") {
				t.Errorf("%s, %s: %v", name, statement, err)
			}
		}
	}
	for name, password := range map[string]string{"dagster_pipes": "of a-b", "dagster_a_b": "storage", "dagster": "of a-b", "code_location": ""} {
		if _, err := i.open(t, name, password).Exec("SELECT 1"); err == nil {
			t.Errorf("%s is let in with the password %q", name, password)
		}
	}
}

func TestABackupHasTheRolesOfCodeLocations(t *testing.T) {
	from, _ := withLocations(t, "kept")
	works(t, from.open(t, "storage_kept", "of kept"), "CREATE TABLE own AS SELECT 7 AS n")
	archive := members(t, from.must(t, nil, "backup"))

	// One of another instance, in which it is not there, but a newer one is.
	to, _ := withLocations(t, "newer")
	to.must(t, archive["roles.sql"], "restore", "roles")
	to.must(t, archive["database.dump"], "restore", "database")
	to.must(t, archive["database.sql"], "restore", "settings")
	to.must(t, nil, "restore", "exchange")
	if _, err := to.open(t, "storage_newer", "of newer").Exec("SELECT 1"); err == nil {
		t.Error("it gets in without `runtime roles`: then that is not needed")
	}
	to.must(t, nil, "roles")
	works(t, to.open(t, "storage_kept", "of kept"), "SELECT * FROM own")
	works(t, to.open(t, "storage_newer", "of newer"), "CREATE TABLE own (n int)")
}
