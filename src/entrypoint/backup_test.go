package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// instance is a server with volumes of files.
type instance struct {
	*server
	files, backups string
}

func newInstance(t *testing.T, more ...string) *instance {
	t.Helper()
	i := &instance{newServer(t), folder(t), folder(t)}
	i.environment = append(i.environment,
		"PATH="+programs+":"+os.Getenv("PATH"),
		"COMPOSE_PROJECT_NAME=mine",
		"DAGNIX_FILES_DIR="+i.files,
		"DAGNIX_BACKUPS_DIR="+i.backups,
		"TMPDIR="+folder(t),
	)
	i.environment = append(i.environment, more...)
	i.as(t, "mkdir", i.path("pipes-data"))
	i.run(t)
	return i
}

func (i *instance) path(name string) string { return filepath.Join(i.files, name) }

// as runs a program as the user that the server runs as.
func (i *instance) as(t *testing.T, words ...string) {
	t.Helper()
	command := exec.Command(words[0], words[1:]...)
	command.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
	if said, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v: %s", words, err, said)
	}
}

// do runs the program with some input, and returns its exit code and its words.
func (i *instance) do(t *testing.T, input []byte, words ...string) (int, []byte, string) {
	t.Helper()
	command := exec.Command(program, words...)
	command.Env = i.environment
	command.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
	said := new(bytes.Buffer)
	command.Stdin, command.Stderr = bytes.NewReader(input), said
	output, _ := command.Output()
	return command.ProcessState.ExitCode(), output, said.String()
}

func (i *instance) must(t *testing.T, input []byte, words ...string) []byte {
	t.Helper()
	code, output, said := i.do(t, input, words...)
	if code != 0 {
		t.Fatalf("%v: %s", words, said)
	}
	return output
}

// superuser runs SQL in a database, and returns what it prints.
func (i *instance) superuser(t *testing.T, database, query string) string {
	t.Helper()
	sockets := ""
	for _, each := range i.environment {
		if rest, found := strings.CutPrefix(each, "DAGNIX_PG_SOCKETS="); found {
			sockets = rest
		}
	}
	command := exec.Command(filepath.Join(programs, "psql"), "--host="+sockets, fmt.Sprintf("--port=%d", i.port),
		"--username=postgres", "-AtqX", "--set=ON_ERROR_STOP=1", "--command="+query, database)
	command.Dir = scratch // one that the user may enter
	command.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
	command.Env = append(os.Environ(), "PGPASSFILE="+filepath.Join(sockets, "pgpass"))
	said, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %s", query, said)
	}
	return strings.TrimSpace(string(said))
}

// members are those of an archive by name, whose checksums have been compared.
func members(t *testing.T, archive []byte) map[string][]byte {
	t.Helper()
	opened, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	found, sums := map[string][]byte{}, ""
	for _, file := range opened.File {
		from, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(from)
		if err != nil {
			t.Fatal(err)
		}
		if file.Name != "SHA256SUMS" {
			sums += fmt.Sprintf("%x  %s\n", sha256.Sum256(content), file.Name)
		}
		found[file.Name] = content
	}
	if got := string(found["SHA256SUMS"]); got != sums {
		t.Errorf("SHA256SUMS is %s, want %s", got, sums)
	}
	return found
}

func TestABackupIsRestoredElsewhere(t *testing.T) {
	from := newInstance(t)
	from.superuser(t, "dagster", `SET ROLE storage; CREATE TABLE storage.notes (text text); INSERT INTO storage.notes VALUES ('kept')`)
	from.superuser(t, "dagster", `CREATE ROLE "a ""reader""; x" LOGIN PASSWORD 'word'; GRANT storage TO "a ""reader""; x"`)
	from.superuser(t, "dagster", `GRANT CONNECT ON DATABASE dagster TO "a ""reader""; x"; GRANT SELECT ON storage.notes TO "a ""reader""; x"`)
	from.superuser(t, "dagster", `ALTER DATABASE dagster SET statement_timeout = '77s'; ALTER ROLE storage IN DATABASE dagster SET search_path = storage, public`)
	data := from.path("pipes-data")
	from.as(t, "sh", "-c", "cd "+data+` && mkdir -p closed/in && echo a > closed/in/file && chmod 640 closed/in/file && touch -d 2020-01-02 closed/in/file && chmod 500 closed/in && ln -s ../nowhere link && mkdir .dagnix-before-restore && touch empty`)
	archive := members(t, from.must(t, nil, "backup"))
	if _, there := archive["files/pipes-data.tar.gz"]; !there {
		t.Fatalf("it has only %v", archive)
	}
	from.as(t, "chmod", "700", filepath.Join(data, "closed/in"))
	alone := members(t, from.must(t, nil, "backup", "--no-files"))
	if _, there := alone["files/pipes-data.tar.gz"]; there || !bytes.Contains(alone["manifest.json"], []byte(`"volumes":null`)) {
		t.Errorf("without files it has %s", alone["manifest.json"])
	}

	to := newInstance(t)
	before := to.superuser(t, "postgres", "SELECT rolpassword FROM pg_authid WHERE rolname = 'storage'")
	to.superuser(t, "dagster", "SET ROLE storage; CREATE TABLE storage.before (n int)")
	other := to.path("pipes-data")
	to.as(t, "touch", filepath.Join(other, "before"))
	steps := func() {
		to.must(t, archive["roles.sql"], "restore", "roles")
		to.must(t, archive["database.dump"], "restore", "database")
		to.must(t, archive["database.sql"], "restore", "settings")
		to.must(t, archive["files/pipes-data.tar.gz"], "restore", "files", "pipes-data")
	}
	steps()
	steps() // after one that was killed
	if to.superuser(t, "dagster", "SELECT to_regclass('storage.before') IS NOT NULL") != "t" || len(to.must(t, nil, "kept")) > 0 {
		t.Error("what is served has changed before the exchange")
	}
	session := to.open(t, "storage", "storage") // is ended
	session.Exec("SELECT 1")
	to.must(t, nil, "restore", "exchange")
	to.must(t, nil, "restore", "exchange") // after one that was killed
	restored := func() {
		t.Helper()
		for query, want := range map[string]string{
			"SELECT text FROM storage.notes":                                                                   "kept",
			"SELECT to_regclass('storage.before') IS NULL":                                                     "t",
			"SHOW statement_timeout":                                                                           "77s",
			`SELECT has_database_privilege('a "reader"; x', 'dagster', 'CONNECT')`:                             "t",
			`SELECT has_database_privilege('dagster', 'dagster', 'TEMPORARY')`:                                 "t",
			`SELECT has_database_privilege('public', 'dagster', 'CONNECT')`:                                    "f",
			"SELECT setconfig FROM pg_db_role_setting WHERE setrole = 'storage'::regrole AND setdatabase <> 0": `{"search_path=storage, public"}`,
			"SELECT pg_has_role('a \"reader\"; x', 'storage', 'MEMBER')":                                       "t",
			"SELECT rolpassword FROM pg_authid WHERE rolname = 'storage'":                                      before,
		} {
			if got := to.superuser(t, "dagster", query); got != want {
				t.Errorf("%s: %s, want %s", query, got, want)
			}
		}
		info, err := os.Stat(filepath.Join(other, "closed/in/file"))
		if err != nil || info.Mode() != 0o640 || info.ModTime().Year() != 2020 {
			t.Errorf("the file: %v %v", info, err)
		}
		if target, _ := os.Readlink(filepath.Join(other, "link")); target != "../nowhere" {
			t.Errorf("the link leads to %q", target)
		}
		if _, err := os.Stat(filepath.Join(other, "before")); err == nil {
			t.Error("the file from before is still there")
		}
	}
	restored()
	if string(to.must(t, nil, "kept")) != "kept\n" {
		t.Error("what was there before is not kept")
	}

	to.must(t, nil, "restore", "undo")
	to.must(t, nil, "restore", "undo") // after one that was killed
	to.must(t, nil, "restore", "exchange")
	if to.superuser(t, "dagster", "SELECT to_regclass('storage.before') IS NOT NULL") != "t" {
		t.Error("the database from before is not back")
	}
	if _, err := os.Stat(filepath.Join(other, "before")); err != nil {
		t.Error(err)
	}
	to.must(t, nil, "restore", "undo")
	to.must(t, nil, "restore", "undo") // after one that was killed
	to.must(t, nil, "restore", "exchange")
	restored()

	half := archive["database.dump"][:len(archive["database.dump"])/2]
	if code, _, said := to.do(t, half, "restore", "database"); code != 1 {
		t.Errorf("half a dump: %s", said)
	}
	packed := archive["files/pipes-data.tar.gz"]
	if code, _, said := to.do(t, packed[:len(packed)-1], "restore", "files", "pipes-data"); code != 1 {
		t.Errorf("less than all files: %s", said)
	}
	if code, _, said := to.do(t, packed, "restore", "files", ".."); code != 1 {
		t.Errorf("a volume that is none: %s", said)
	}
	restored()
	to.must(t, nil, "forget")
	to.must(t, packed, "restore", "files", "pipes-data") // and is interrupted
	to.as(t, "touch", filepath.Join(other, "newer"))
	to.must(t, alone["database.dump"], "restore", "database")
	to.must(t, nil, "restore", "exchange")
	if _, err := os.Stat(filepath.Join(other, "newer")); err != nil {
		t.Errorf("a restore without files has taken them from one before: %v", err)
	}
	to.must(t, nil, "restore", "undo")
	to.must(t, nil, "restore", "exchange")
	to.must(t, nil, "forget")
	if _, err := os.Stat(filepath.Join(other, ".dagnix-before-restore")); err == nil || len(to.must(t, nil, "kept")) > 0 {
		t.Error("it is not forgotten")
	}
	restored()
}

func TestBackupsAsTheyAreDue(t *testing.T) {
	i := newInstance(t, "DAGNIX_BACKUP_HOURS=0.0003", "DAGNIX_BACKUPS_KEPT=2")
	i.as(t, "touch", filepath.Join(i.backups, "other-20200101T000000Z.zip"), filepath.Join(i.backups, "mine-20200101T000000Z.zip"),
		filepath.Join(i.backups, "mine-20200101T000000Z.zip.partial"))
	others := filepath.Join(i.backups, "mine-too-20200101T000000Z.zip.partial")
	i.as(t, "touch", others)
	i.superuser(t, "postgres", "CREATE DATABASE dagster_before_restore")
	keeper := begin(t, i.environment, "backups")
	listed := func() []string {
		paths, _ := filepath.Glob(filepath.Join(i.backups, "mine-2*"))
		return paths
	}
	until(t, func() bool { return strings.Count(keeper.stderr.String(), "backed up to mine-") >= 3 })
	i.must(t, nil, "health", "backup")
	if len(i.must(t, nil, "kept")) > 0 {
		t.Error("the database from before a restore is kept after a backup")
	}
	// What it is told to end at is left out, whole or not at all.
	keeper.Process.Signal(syscall.SIGTERM)
	if code := keeper.end(t); code != 0 {
		t.Errorf("it ended with %d: %s", code, keeper.stderr.String())
	}
	left := listed()
	if len(left) != 2 || strings.HasSuffix(left[1], ".partial") || strings.Contains(left[0], "-2020") {
		t.Errorf("there are %v", left)
	}
	content, err := os.ReadFile(left[1])
	if err != nil {
		t.Fatal(err)
	}
	members(t, content)
	for _, path := range []string{filepath.Join(i.backups, "other-20200101T000000Z.zip"), others} {
		if _, err := os.Stat(path); err != nil {
			t.Errorf("another instance's backup is gone: %v", err)
		}
	}

	i.as(t, "chmod", "500", i.backups)
	code, line, _ := i.do(t, nil, "health", "backup")
	expect(t, 1, "backups cannot be written to the folder", code, string(line))
	i.as(t, "chmod", "700", i.backups)
	i.stop(t)
	keeper = begin(t, i.environment, "backups")
	until(t, func() bool { return strings.Contains(keeper.stderr.String(), "the backup failed") })
	code, line, _ = i.do(t, nil, "health", "backup")
	expect(t, 1, "failed: ", code, string(line))
	// It has begun another one, perhaps.
	keeper.Process.Signal(syscall.SIGTERM)
	if code := keeper.end(t); code != 0 {
		t.Errorf("it ended with %d: %s", code, keeper.stderr.String())
	}
	if now := listed(); len(now) != 2 {
		t.Errorf("there are %v", now)
	}
	wrong := append(i.environment, "DAGNIX_BACKUPS_KEPT=0")
	code, _, said := finish(t, wrong, "backups")
	expect(t, 1, `DAGNIX_BACKUPS_KEPT is "0": give a number from 1 on, such as 7`, code, said)
}
