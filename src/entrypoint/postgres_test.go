package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// major is the version of the installed Postgres.
func major() string { return filepath.Base(filepath.Dir(programs)) }

func TestPostgresFromFirstStartToRestarts(t *testing.T) {
	s := newServer(t)
	s.run(t)
	if said := s.stderr.String(); strings.Count(said, "runtime: first start: making a PostgreSQL "+major()+" cluster") != 1 {
		t.Errorf("it said: %s", said)
	}
	dagster, storage := s.open(t, "dagster", `dagster's \ word`), s.open(t, "storage", "storage")
	checkRights(t, dagster, storage)
	checkAuthentication(t, s)

	code, _, said := finish(t, s.environment, "postgres")
	expect(t, 1, "another Postgres server uses the volume at "+s.volume+": stop it first", code, said)

	s.stop(t)
	writeSecret(t, "dagster-password", "changed")
	s.run(t)
	if _, err := s.open(t, "dagster", `dagster's \ word`).Exec("SELECT 1"); err == nil {
		t.Error("the old password still works")
	}
	dagster = s.open(t, "dagster", "changed")
	if _, err := dagster.Exec("SELECT * FROM own"); err != nil {
		t.Errorf("after a restart: %v", err)
	}

	s.kill()
	// Its number is another process's by now.
	other := begin(t, nil, "start", "sleep", "600")
	leave(t, filepath.Join(s.volume, major(), "postmaster.pid"), other.Process.Pid)
	s.environment = append(s.environment, "DAGNIX_LOG_FORMAT=json")
	s.run(t)
	dagster = s.open(t, "dagster", "changed")
	if _, err := dagster.Exec("SELECT * FROM own"); err != nil {
		t.Errorf("after a kill: %v", err)
	}
	_, _ = dagster.Exec("SELECT *\n  FROM nothing")
	s.stop(t)
	checkLog(t, s.stderr.String())
	s.environment = s.environment[:len(s.environment)-1]
	s.configure(t, "shared_buffers = 'much'\n")
	code, _, said = finish(t, s.environment, "postgres")
	expect(t, 1, `runtime: Postgres's roles and schemas cannot be set up: `, code, said)
	if !strings.Contains(said, "shared_buffers") || !strings.Contains(said, s.settings) {
		t.Errorf("it does not name the setting and its file: %s", said)
	}
}

// leave writes the number of a process that lives into a postmaster.pid.
func leave(t *testing.T, path string, pid int) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(content), "\n")
	if err := os.WriteFile(path, []byte(fmt.Sprintf("%d\n%s", pid, rest)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// checkLog looks at a log of JSON, from the start to the end of a server.
func checkLog(t *testing.T, log string) {
	t.Helper()
	found := map[string]string{} // level by message
	for line := range strings.Lines(log) {
		var record struct{ Service, Level, Message string }
		if err := json.Unmarshal([]byte(line), &record); err != nil || record.Service != "postgres" {
			t.Fatalf("%q: %v", line, err)
		}
		found[record.Message] = record.Level
	}
	for message, level := range map[string]string{
		"database system is ready to accept connections":    "info",
		`relation "nothing" does not exist at character 17`: "error",
		"STATEMENT:  SELECT *\n  FROM nothing":              "info",
		"database system is shut down":                      "info",
	} {
		if found[message] != level {
			t.Errorf("%q is not in %v", message, found)
		}
	}
}

// checkRights leaves a table `own` in each role's schema.
func checkRights(t *testing.T, dagster, storage *sql.DB) {
	t.Helper()
	for _, test := range []struct {
		db   *sql.DB
		sql  string
		want string
	}{
		{dagster, "CREATE TABLE own (n int)", ""},
		{storage, "CREATE TABLE own (n int)", ""},
		{dagster, "SELECT * FROM dagster.own", ""},
		{storage, "SELECT * FROM storage.own", ""},
		{storage, "CREATE TEMPORARY TABLE t (n int)", ""},
		{storage, "SELECT * FROM dagster.own", "permission denied for schema dagster"},
		{dagster, "SELECT * FROM storage.own", "permission denied for schema storage"},
		{dagster, "CREATE TABLE public.t (n int)", "permission denied for schema public"},
		{storage, "CREATE SCHEMA more", "permission denied for database dagster"},
		{storage, "CREATE ROLE more", "permission denied to create role"},
		{storage, "SELECT * FROM pg_authid", "permission denied for table pg_authid"},
	} {
		_, err := test.db.Exec(test.sql)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.sql, err, test.want)
		}
	}
	var checksums, locale string
	if err := dagster.QueryRow("SELECT current_setting('data_checksums'), datctype FROM pg_database WHERE datname = 'dagster'").Scan(&checksums, &locale); err != nil {
		t.Fatal(err)
	}
	if checksums != "on" || locale != "C.UTF-8" {
		t.Errorf("data checksums are %s, the locale is %s", checksums, locale)
	}
}

// checkAuthentication tries the doors that are to be closed over TCP.
func checkAuthentication(t *testing.T, s *server) {
	t.Helper()
	for role, want := range map[string]string{
		"dagster":  "password authentication failed",
		"postgres": "pg_hba.conf rejects connection",
	} {
		if _, err := s.open(t, role, "guess").Exec("SELECT 1"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("as %s: got %v", role, err)
		}
	}
}

func TestPostgresSurvivesAnEndDuringTheFirstStart(t *testing.T) {
	s := newServer(t)
	partial := filepath.Join(s.volume, major()+".partial", "base")
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		p := begin(t, s.environment, "postgres")
		for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
			if _, err := os.Stat(partial); err == nil {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("initdb did not start: %s", p.stderr.String())
			}
		}
		if signal == syscall.SIGTERM {
			p.Process.Signal(signal)
			expect(t, 1, "runtime: stopped by a signal before the start was complete.", p.end(t), p.stderr.String())
		}
		p.kill()
		if _, err := os.Stat(filepath.Join(s.volume, major())); err == nil {
			t.Fatal("there is half a cluster")
		}
	}
	s.run(t)
	s.stop(t)
	if _, err := os.Stat(filepath.Dir(partial)); err == nil {
		t.Error("the rest of the interrupted start is still there")
	}
}

func TestPostgresRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		file, content string // to make in the volume
		want          string
	}{
		"an older version":      {"9/PG_VERSION", "9\n", "/9 holds data of PostgreSQL \"9\", and this image runs " + major() + ": use an image with 9, and restore a backup that it makes into an instance of another name (docs/howto/backup-and-restore.md)"},
		"a cluster in the root": {"PG_VERSION", major() + "\n", " holds a database cluster where Dagnix keeps none: move it to "},
		"no cluster":            {major() + "/notes", "", " is there but is no database cluster (it has no PG_VERSION): restore it, or remove it to start anew"},
	} {
		s := newServer(t)
		path := filepath.Join(s.volume, test.file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(test.content), 0o644); err != nil {
			t.Fatal(err)
		}
		code, _, said := finish(t, s.environment, "postgres")
		t.Log(name)
		expect(t, 1, test.want, code, said)
	}
}

func TestPostgresRefusesWithoutPasswordOrVolume(t *testing.T) {
	s := newServer(t)
	missing := append(s.environment, "STORAGE_PG_PASSWORD_FILE="+secretFile("none"))
	code, _, said := finish(t, missing, "postgres")
	expect(t, 1, `Postgres does not start without a password for the role "storage": the secret file `+secretFile("none")+" is missing", code, said)

	twoLines := append(s.environment, "STORAGE_PG_PASSWORD_FILE="+writeSecret(t, "two-lines", "a\nb"))
	code, _, said = finish(t, twoLines, "postgres")
	expect(t, 1, "must be one line without control characters", code, said)

	away := append(s.environment, "PGDATA="+filepath.Join(s.volume, "away"))
	code, _, said = finish(t, away, "postgres")
	expect(t, 1, "(no such file or directory): is it mounted, and does it belong to that uid?", code, said)
}

func TestHealthOfPostgresThatDoesNotRun(t *testing.T) {
	code, line, _ := finish(t, newServer(t).environment, "health", "postgres")
	expect(t, 1, "it is still starting, or has ended", code, line)
}
