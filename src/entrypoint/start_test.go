package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestStart(t *testing.T) {
	s := newServer(t)
	clients := append(s.client("DAGSTER_PG", "dagster"), s.client("STORAGE_PG", "storage")...)
	clients = append(clients, fmt.Sprintf("DAGNIX_WAIT_SECONDS=%.0f", patience.Seconds()))

	// It begins before there is a server.
	early := begin(t, clients, "start", "sh", "-c", `echo "$DAGSTER_PG_PASSWORD, $STORAGE_PG_PASSWORD"`)
	s.run(t)
	if code := early.end(t); code != 0 || early.stdout.String() != `dagster's \ word, storage`+"\n" {
		t.Errorf("exit code %d, %q: %s", code, early.stdout.String(), early.stderr.String())
	}
	var lines []string
	for _, role := range []string{"dagster", "storage"} {
		lines = append(lines,
			fmt.Sprintf("runtime: waiting for Postgres at 127.0.0.1:%d, database dagster, role %s (at most %.0f s)", s.port, role, patience.Seconds()),
			fmt.Sprintf("runtime: connected to Postgres at 127.0.0.1:%d after ", s.port))
	}
	said := strings.Split(strings.TrimSpace(early.stderr.String()), "\n")
	for i, want := range lines {
		if len(said) != len(lines) || !strings.HasPrefix(said[i], want) {
			t.Fatalf("it said %q", said)
		}
	}

	t.Run("refusals", func(t *testing.T) {
		for name, test := range map[string]struct{ setting, want string }{
			"wrong password": {"DAGSTER_PG_PASSWORD_FILE=" + writeSecret(t, "wrong", "wrong"),
				`refuses the password of the role "dagster": the secret DAGSTER_PG_PASSWORD differs from the one that the role has.`},
			"no database": {"DAGSTER_PG_DB=none", `has no database "none": create it (CREATE DATABASE), or correct DAGSTER_PG_DB.`},
			"no TLS":      {"PGSSLMODE=require", "offers no encryption, and PGSSLMODE asks for it"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				environment := append(s.client("DAGSTER_PG", "dagster"), test.setting)
				code, _, said := finish(t, environment, "start", "true")
				expect(t, 1, test.want, code, said)
			})
		}
	})
	t.Run("names go away once it is connected", func(t *testing.T) { checkOneConnection(t, s) })
	t.Run("health of the daemon", func(t *testing.T) { checkDaemonHealth(t, s) })
}

// checkOneConnection starts the daemon behind a listener that takes a single connection. At its start runs are looked
// up, too; that must not need a second connection, which fails while podman's DNS server reads its configuration.
func checkOneConnection(t *testing.T, s *server) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		connection, err := listener.Accept()
		listener.Close()
		if err != nil {
			return
		}
		defer connection.Close()
		server, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.port))
		if err != nil {
			return
		}
		go io.Copy(server, connection)
		io.Copy(connection, server)
	}()
	daemon := filepath.Join(folder(t), "dagster-daemon")
	if err := os.WriteFile(daemon, []byte("#!/bin/sh\necho ran\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	environment := append(s.client("DAGSTER_PG", "dagster"),
		"PGSSLMODE=disable", // with prefer, a second connection follows when there is no encryption
		fmt.Sprintf("DAGSTER_PG_PORT=%d", listener.Addr().(*net.TCPAddr).Port),
		"PATH="+filepath.Dir(daemon)+":"+os.Getenv("PATH"))
	code, said, errors := finish(t, environment, "start", "dagster-daemon", "run")
	if code != 0 || said != "ran\n" {
		t.Errorf("exit code %d, %q: %s", code, said, errors)
	}
}

// A pod with one run is such a command.
func TestACommandThatIsNoCodeServerHasTheVariables(t *testing.T) {
	shared := secretFile("shared")
	t.Cleanup(func() { os.RemoveAll(shared) })
	if err := os.Mkdir(shared, 0o755); err != nil {
		t.Fatal(err)
	}
	writeSecret(t, "shared/API_KEY", "hush")
	environment := []string{"TMPDIR=" + folder(t), "API_KEY=compose's"}
	code, said, errors := finish(t, environment, "start", "sh", "-c", `echo "$API_KEY"; cat "$API_KEY_FILE"`)
	if code != 0 || said != "hush\nhush\n" {
		t.Errorf("exit code %d, %q: %s", code, said, errors)
	}
	writeSecret(t, "shared/API_KEY", "")
	code, _, errors = finish(t, environment, "start", "sh", "-c", "true")
	expect(t, 1, "shared/API_KEY is empty: write the secret into it", code, errors)
}

// checkDaemonHealth uses a table as Dagster's, with heartbeats as Dagster's.
func checkDaemonHealth(t *testing.T, s *server) {
	home := folder(t)
	if err := os.WriteFile(home+"/dagster.yaml", []byte("auto_materialize: {enabled: false, use_sensors: false}\nfreshness: {enabled: false}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	environment := append(s.client("DAGSTER_PG", "dagster"), "DAGSTER_HOME="+home)
	code, line, _ := finish(t, environment, "health", "daemon")
	expect(t, 1, "Dagster's tables are not in Postgres yet", code, line)

	db := s.open(t, "dagster", `dagster's \ word`)
	if _, err := db.Exec("CREATE TABLE daemon_heartbeats (daemon_type text UNIQUE, body text)"); err != nil {
		t.Fatal(err)
	}
	post := func(daemon string) {
		body := fmt.Sprintf(`{"__class__": "DaemonHeartbeat", "daemon_id": "a", "daemon_type": %q, "errors": [], "timestamp": %d.5}`, daemon, time.Now().Unix())
		if _, err := db.Exec("INSERT INTO daemon_heartbeats VALUES ($1, $2)", daemon, body); err != nil {
			t.Fatal(err)
		}
	}
	for _, daemon := range []string{"SENSOR", "SCHEDULER", "BACKFILL"} {
		post(daemon)
	}
	code, line, _ = finish(t, environment, "health", "daemon")
	expect(t, 1, "no heartbeat since the start from QUEUED_RUN_COORDINATOR", code, line)
	post("QUEUED_RUN_COORDINATOR")
	code, line, _ = finish(t, environment, "health", "daemon")
	expect(t, 0, "4 daemons post heartbeats, the last ", code, line)

	wrong := append(environment, "DAGSTER_PG_PASSWORD_FILE="+writeSecret(t, "wrong", "wrong"))
	code, line, _ = finish(t, wrong, "health", "daemon")
	expect(t, 1, `refuses the password of the role "dagster"`, code, line)
	code, line, _ = finish(t, nil, "health", "daemon")
	expect(t, 1, "DAGSTER_PG_HOST is not set", code, line)
}

func TestStartWithTLS(t *testing.T) {
	s := newServer(t)
	certificate, key := makeCertificate(t)
	s.configure(t, fmt.Sprintf("ssl = on\nssl_cert_file = '%s'\nssl_key_file = '%s'\n", certificate, key))
	s.run(t)
	other, _ := makeCertificate(t)
	for authority, want := range map[string]string{
		certificate:        "connected to Postgres",
		other:              "is not trusted (",
		secretFile("none"): "no such file or directory; correct PGSSLROOTCERT, PGSSLCERT or PGSSLKEY.",
	} {
		environment := append(s.client("DAGSTER_PG", "dagster"), "PGSSLMODE=verify-ca", "PGSSLROOTCERT="+authority)
		if authority != certificate {
			environment = append(environment, "DAGNIX_WAIT_SECONDS=0")
		}
		code, _, said := finish(t, environment, "start", "true")
		if (code == 0) != (authority == certificate) || !strings.Contains(said, want) {
			t.Errorf("with %s: exit code %d: %s", authority, code, said)
		}
	}
}

func TestStartWithoutPostgres(t *testing.T) {
	code, stdout, stderr := finish(t, nil, "start", "echo", "here")
	if code != 0 || stdout != "here\n" || stderr != "" {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
}

func TestStartExplains(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	unreadable := writeSecret(t, "unreadable", "x")
	if err := os.Chmod(unreadable, 0); err != nil {
		t.Fatal(err)
	}
	closed := freePort(t)
	here := "DAGSTER_PG_HOST=127.0.0.1"
	for name, test := range map[string]struct {
		environment []string
		command     string
		want        string
	}{
		"unknown host": {[]string{"DAGSTER_PG_HOST=postgres.invalid"}, "true",
			`the host name "postgres.invalid" of Postgres is unknown (`},
		"away": {[]string{here, fmt.Sprintf("DAGSTER_PG_PORT=%d", closed)}, "true",
			fmt.Sprintf("Postgres does not answer at 127.0.0.1:%d (connection refused): is it running, and are DAGSTER_PG_HOST and DAGSTER_PG_PORT right? (waited 1 s, see DAGNIX_WAIT_SECONDS)", closed)},
		"silent": {[]string{here, fmt.Sprintf("DAGSTER_PG_PORT=%d", silent.Addr().(*net.TCPAddr).Port), "PGSSLMODE=disable"}, "true",
			"(no answer within 3 s): is it running"},
		"port":       {[]string{here, "DAGSTER_PG_PORT=many"}, "true", `DAGSTER_PG_PORT is "many": give a port number, such as 5432`},
		"TLS":        {[]string{here, "PGSSLMODE=perhaps"}, "true", `PGSSLMODE is "perhaps": give one of `},
		"limit":      {[]string{"DAGNIX_WAIT_SECONDS=soon"}, "true", `DAGNIX_WAIT_SECONDS is "soon": give a whole number of seconds, such as 60`},
		"missing":    {[]string{"A_FILE=" + secretFile("none")}, "true", "the secret file " + secretFile("none") + " is missing"},
		"unreadable": {[]string{"A_FILE=" + unreadable}, "true", "cannot be read by uid "},
		"no command": {nil, "no-such-command", `cannot run "no-such-command": executable file not found in $PATH; PATH is "`},
	} {
		t.Run(name, func(t *testing.T) {
			environment := append([]string{"DAGNIX_WAIT_SECONDS=1"}, test.environment...)
			code, _, said := finish(t, environment, "start", test.command)
			expect(t, 1, test.want, code, said)
		})
	}
}

func TestStartObeysSignals(t *testing.T) {
	waiting := begin(t, []string{"DAGSTER_PG_HOST=127.0.0.1", fmt.Sprintf("DAGSTER_PG_PORT=%d", freePort(t))}, "start", "true")
	until(t, func() bool { return strings.Contains(waiting.stderr.String(), "role dagster (at most 60 s)") })
	waiting.Process.Signal(syscall.SIGTERM)
	expect(t, 1, "runtime: stopped by a signal before the start was complete.", waiting.end(t), waiting.stderr.String())

	command := begin(t, nil, "start", "sh", "-c", `trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.1; done`)
	until(t, func() bool { return command.stdout.String() == "ready\n" })
	command.Process.Signal(syscall.SIGTERM)
	if code := command.end(t); code != 7 || command.stdout.String() != "ready\nbye\n" {
		t.Errorf("exit code %d, %q", code, command.stdout.String())
	}
}

func TestStartWithALogOfJSON(t *testing.T) {
	environment := []string{"DAGNIX_LOG_FORMAT=json", "DAGNIX_WAIT_SECONDS=1", "DAGNIX_LOCATION=team"}
	away := append([]string{"DAGSTER_PG_HOST=127.0.0.1", fmt.Sprintf("DAGSTER_PG_PORT=%d", freePort(t))}, environment...)
	for _, test := range []struct {
		environment, command []string
		code                 int
		want                 string
	}{
		{environment, []string{"sh", "-c", "echo rubbish {; exit 7"}, 7, `"service":"sh","message":"rubbish {","stream":"stdout"`},
		{away, []string{"dagster-daemon", "run"}, 1, `"service":"daemon","message":"runtime: waiting for Postgres`},
		{away, []string{"python", "-m", "dagster_dagnix.webserver"}, 1, `"service":"webserver","message":"runtime: Postgres does not answer`},
		{away, []string{"code-server"}, 1, `"service":"team","location":"team","message":"runtime: waiting for Postgres`},
		{environment, []string{"none"}, 1, `"service":"none","message":"runtime: cannot run`},
	} {
		code, stdout, stderr := finish(t, test.environment, append([]string{"start"}, test.command...)...)
		said := stdout + stderr
		if code != test.code || !strings.Contains(said, test.want) {
			t.Errorf("%q: exit code %d: %s", test.command, code, said)
		}
		for line := range strings.Lines(said) {
			if !json.Valid([]byte(line)) {
				t.Errorf("%q is no JSON", line)
			}
		}
	}
	code, _, said := finish(t, []string{"DAGNIX_LOG_FORMAT=xml"}, "start", "true")
	expect(t, 1, `DAGNIX_LOG_FORMAT must be plain or json, not "xml"`, code, said)
}

func TestWordsOnTheCommandLine(t *testing.T) {
	for _, words := range []string{"", "start", "health", "health other", "health daemon soon", "postgres now", "sing"} {
		code, _, said := finish(t, nil, strings.Fields(words)...)
		expect(t, exitUsage, "runtime: unknown or incomplete command; `runtime --help` lists them.", code, said)
	}
	code, said, _ := finish(t, nil, "--help")
	if code != 0 || !strings.Contains(said, "runtime health SERVICE") {
		t.Errorf("exit code %d: %s", code, said)
	}
}

func until(t *testing.T, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not happen")
		}
	}
}
