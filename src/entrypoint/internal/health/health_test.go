package health

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dagnix/runtime/internal/dagster"
	"dagnix/runtime/internal/runserver"
)

func TestWebserver(t *testing.T) {
	for name, test := range map[string]struct {
		status     int
		body, want string
	}{
		"well":     {200, `{"dagster_webserver_version": "1.13.27", "dagster_version": "1.13.27"}`, "the webserver answers, version 1.13.27"},
		"HTML":     {200, "<!doctype html>", "is not Dagster's webserver"},
		"other":    {200, `{"version": 1}`, "is not Dagster's webserver"},
		"with 500": {500, "{}", "the webserver answers with HTTP status 500 Internal Server Error"},
	} {
		socket := filepath.Join(t.TempDir(), "http.sock")
		listener, err := net.Listen("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/dagster/server_info" {
				t.Errorf("asked for %s", r.URL)
			}
			w.WriteHeader(test.status)
			w.Write([]byte(test.body))
		}))
		server.Listener.Close()
		server.Listener = listener
		server.Start()
		got, err := webserver(t.Context(), socket, "/dagster")
		server.Close()
		if err != nil {
			got = err.Error()
		}
		if (err == nil) != (name == "well") || !strings.Contains(got, test.want) {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func TestWebserverThatDoesNotListen(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "http.sock")
	if _, err := webserver(t.Context(), socket, ""); err == nil || err.Error() != "the webserver does not listen at "+socket+": it is still starting, or has ended" {
		t.Errorf("got %v", err)
	}
}

func TestPipes(t *testing.T) {
	for name, test := range map[string]struct{ answer, want string }{
		"starting": {`{"code": {"ready": false}}`, "the code server is starting"},
		"sentence": {`{"code": {"error": "runtime: no Dagster project in /x"}}`, "the code does not load: no Dagster project in /x"},
		"raises":   {`{"code": {"ready": true, "lazy": true, "error": {"__class__": "SerializableErrorInfo", "message": "ValueError: no\n", "stack": [], "cls_name": "ValueError"}}}`, "the code does not load: ValueError: no"},
		"draining": {`{"draining": true, "runs": ["a", "b"], "code": {"ready": false}}`, "ends its runs (2 in flight) and takes no new ones"},
		"ending":   {`{"draining": true, "ending": true, "runs": ["a"], "code": {"ready": true}}`, "was told to end: takes no new runs, and ends after those in flight (1)"},
		"refuses":  {`{"error": "no such request"}`, "no such request"},
	} {
		t.Setenv("DAGNIX_SOCKETS", t.TempDir())
		folder := filepath.Join(runserver.Folder(), "pipes")
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		if _, err := pipes(t.Context()); err == nil || !strings.Contains(err.Error(), "the run server does not listen") {
			t.Errorf("without a run server: %v", err)
		}
		listener, err := net.Listen("unix", filepath.Join(folder, "run-"+runserver.Host()+"-1.sock"))
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			bufio.NewReader(connection).ReadString('\n')
			connection.Write([]byte(test.answer + "\n"))
			connection.Close()
		}()
		got, err := pipes(t.Context())
		if err != nil {
			got = err.Error()
		}
		if got != test.want || (err == nil) != (name == "draining") {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
		if needsCode := strings.HasPrefix(got, "the code does not load"); err != nil && (ExitCode(err) == 3) != needsCode {
			t.Errorf("%s: exit code %d", name, ExitCode(err))
		}
		listener.Close()
	}
}

func TestACodeServerAtAPort(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	t.Setenv("DAGNIX_CODE_SERVER_PORT", port)
	answer := ""
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		message := append([]byte{0x0a, byte(len(answer))}, answer...)
		w.Header().Set("Trailer", "Grpc-Status")
		w.Write(append([]byte{0, 0, 0, 0, byte(len(message))}, message...))
		w.Header().Set("Grpc-Status", "0")
	}))
	server.Listener.Close()
	server.Listener = listener
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	answer = `{"__class__": "SerializableErrorInfo", "message": "ValueError: no", "cls_name": "ValueError"}`
	if _, err := checkPipes(t.Context()); err == nil || err.Error() != "the code does not load: ValueError: no" || ExitCode(err) != 3 {
		t.Errorf("got %v", err)
	}
	answer = `{"__class__": "ListRepositoriesResponse", "dagster_library_versions": {"dagster": "1.13.27"}}`
	if got, err := checkPipes(t.Context()); err != nil || got != "the code is loaded and served (, Dagster 1.13.27)" {
		t.Errorf("got %q, %v", got, err)
	}
	server.Close()
	if _, err := checkPipes(t.Context()); err == nil || !strings.Contains(err.Error(), "the code server does not listen at 127.0.0.1:"+port) {
		t.Errorf("got %v", err)
	}
}

func TestProcessStart(t *testing.T) {
	before := time.Now()
	sleep := exec.Command("sleep", "60")
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		sleep.Process.Kill()
		sleep.Wait()
	}()
	after := time.Now()
	got, err := processStart(sleep.Process.Pid)
	// The kernel's units: 10 ms, and for the time since the boot a second, rounded up.
	if err != nil || got.Before(before.Add(-2*time.Second)) || got.After(after.Add(time.Second)) {
		t.Errorf("got %v, %v; started between %v and %v", got, err, before, after)
	}
	if got, err := processStart(os.Getpid()); err != nil || got.After(before.Add(time.Second)) {
		t.Errorf("of this process: got %v, %v", got, err)
	}
}

func TestOneLine(t *testing.T) {
	if got := OneLine(" a\n\tb\r\n c "); got != "a b c" {
		t.Errorf("got %q", got)
	}
	if got := []rune(OneLine(strings.Repeat("é", 600))); len(got) != maxLine || got[maxLine-1] != '…' {
		t.Errorf("got %d characters", len(got))
	}
}

func TestWait(t *testing.T) {
	sick := errors.New("does not answer")
	broken := &dagster.LoadError{Sentence: "a.py, line 3"}
	for name, test := range map[string]struct {
		patience time.Duration
		answers  []error // the last one stays
		asked    int     // 0: it depends on how fast this machine is
		want     error
	}{
		"asks once without patience": {0, []error{sick, nil}, 1, sick},
		"well at once":               {time.Minute, []error{nil}, 1, nil},
		"becomes well":               {time.Minute, []error{sick, sick, nil}, 3, nil},
		"only an edit can cure it":   {time.Minute, []error{sick, broken}, 2, broken},
		"patience ends":              {pause * 3 / 2, []error{sick}, 0, sick},
	} {
		asked := 0
		_, err := Wait(t.Context(), func(context.Context) (string, error) {
			answer := test.answers[min(asked, len(test.answers)-1)]
			asked++
			return "", answer
		}, test.patience)
		if err != test.want || test.asked > 0 && asked != test.asked {
			t.Errorf("%s: got %v after asking %d times", name, err, asked)
		}
	}
}
