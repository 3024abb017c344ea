package logs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"
)

const script = "LOGS_TEST_SCRIPT"

// TestMain makes the program of these tests a service, too: one that runs a script.
func TestMain(m *testing.M) {
	text := os.Getenv(script)
	if text == "" {
		os.Exit(m.Run())
	}
	wanted, err := Wanted()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if wanted {
		os.Exit(Run(Labels{Service: "test", Location: "here"}))
	}
	shell, err := exec.LookPath("sh")
	if err == nil {
		err = syscall.Exec(shell, []string{"sh", "-c", text}, os.Environ())
	}
	panic(err)
}

// service is a script that runs as a service, with DAGNIX_LOG_FORMAT=json.
func service(text string, more ...string) *exec.Cmd {
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), script+"="+text, FormatVariable+"="+JSON)
	command.Env = append(command.Env, more...)
	return command
}

// said runs a script to its end, and returns what it said on each stream, and its exit code.
func said(t *testing.T, text string) (stdout, stderr []map[string]any, code int) {
	t.Helper()
	command := service(text)
	var out, errors bytes.Buffer
	command.Stdout, command.Stderr = &out, &errors
	if err := command.Run(); err != nil && command.ProcessState == nil {
		t.Fatal(err)
	}
	return parsed(t, out.Bytes()), parsed(t, errors.Bytes()), command.ProcessState.ExitCode()
}

// parsed returns the objects of lines, each of which must be one, and checks what all have.
func parsed(t *testing.T, text []byte) []map[string]any {
	t.Helper()
	if len(text) > 0 && text[len(text)-1] != '\n' {
		t.Errorf("the last line is not at its end: %q", text)
	}
	if !utf8.Valid(text) {
		t.Errorf("no UTF-8: %q", text)
	}
	var found []map[string]any
	for line := range strings.Lines(string(text)) {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Fatalf("%q is no JSON: %v", line, err)
		}
		when, err := time.Parse(time.RFC3339, object["time"].(string))
		if err != nil || when.Location() != time.UTC {
			t.Errorf("the time of %q: %v", line, err)
		}
		if object["service"] != "test" || object["location"] != "here" || object["level"] == "" {
			t.Errorf("not its fields: %q", line)
		}
		found = append(found, object)
	}
	return found
}

func messages(records []map[string]any) string {
	var found []string
	for _, each := range records {
		found = append(found, each["message"].(string))
	}
	return strings.Join(found, "|")
}

func TestEveryLineIsAnObject(t *testing.T) {
	stdout, stderr, code := said(t, `printf 'one\n\n{"a": 1}\n{"event": [\n\377\376\000\033[31mred\033[0m\r\n'; echo two >&2; printf partial`)
	if got := messages(stdout); got != "one||{\"a\": 1}|{\"event\": [|\ufffd\x00red|partial" {
		t.Errorf("stdout: %q", got)
	}
	if got := messages(stderr); got != "two" || stderr[0]["stream"] != "stderr" || code != 0 {
		t.Errorf("stderr: %q, exit code %d", got, code)
	}
}

func TestRubbishParses(t *testing.T) {
	stdout, _, _ := said(t, `head -c 300000 /dev/urandom`)
	if len(stdout) == 0 {
		t.Error("nothing was said")
	}
}

func TestALongLineBecomesSeveral(t *testing.T) {
	stdout, _, _ := said(t, `head -c 200000 /dev/zero | tr '\0' 'x'; printf '\342\202\254\n'; echo next`)
	if len(stdout) != 5 {
		t.Fatalf("%d records", len(stdout))
	}
	if got := strings.ReplaceAll(messages(stdout), "|", ""); got != strings.Repeat("x", 200000)+"\u20acnext" {
		t.Errorf("the parts are not the whole: %d bytes", len(got))
	}
	// In whole characters.
	stdout, _, _ = said(t, `for i in $(seq 30000); do printf '\342\202\254'; done; echo`)
	if got := strings.ReplaceAll(messages(stdout), "|", ""); got != strings.Repeat("\u20ac", 30000) || len(stdout) != 2 {
		t.Errorf("%d records", len(stdout))
	}
}

func TestTheExitCodeIsTheServices(t *testing.T) {
	for text, want := range map[string]struct {
		code int
		said string
	}{
		"true":          {0, ""},
		"exit 7":        {7, "the service has ended: exit code 7"},
		"kill -9 $$":    {137, "the service has ended: killed"},
		"kill -TERM $$": {143, "the service has ended: terminated"},
	} {
		if _, stderr, code := said(t, text); code != want.code || messages(stderr) != want.said {
			t.Errorf("%s: exit code %d, %q", text, code, messages(stderr))
		}
	}
}

// The last words of a process that is killed are there, and what outlives it is not waited for.
func TestNothingIsLostAtTheEnd(t *testing.T) {
	begun := time.Now()
	stdout, stderr, code := said(t, `sleep 60 & seq 3000; printf last >&2; kill -9 $$`)
	if len(stdout) != 3000 || stdout[2999]["message"] != "3000" || messages(stderr) != "last|the service has ended: killed" || code != 137 {
		t.Errorf("%d lines, %q, exit code %d", len(stdout), messages(stderr), code)
	}
	if time.Since(begun) > 30*time.Second {
		t.Error("it waited for a process that goes on")
	}
}

func TestAProcessThatWritesOnDoesNotKeepIt(t *testing.T) {
	command := service(`yes & exit 3`)
	out, err := command.StdoutPipe()
	if err != nil || command.Start() != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(out)
	parsed(t, text)
	if _ = command.Wait(); command.ProcessState.ExitCode() != 3 {
		t.Errorf("exit code %d", command.ProcessState.ExitCode())
	}
}

func TestSignalsReachTheService(t *testing.T) {
	for name, number := range map[string]syscall.Signal{
		"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "HUP": syscall.SIGHUP, "QUIT": syscall.SIGQUIT, "USR1": syscall.SIGUSR1,
	} {
		command := service(fmt.Sprintf(`trap 'echo bye; exit 5' %s; echo ready; while :; do sleep 0.02; done`, name))
		out, err := command.StdoutPipe()
		if err != nil || command.Start() != nil {
			t.Fatal(err)
		}
		first := make([]byte, 1<<10)
		n, _ := out.Read(first)
		if err := command.Process.Signal(number); err != nil {
			t.Fatal(err)
		}
		rest, _ := io.ReadAll(out)
		if got := messages(parsed(t, append(first[:n], rest...))); got != "ready|bye" {
			t.Errorf("%s: %q", name, got)
		}
		if _ = command.Wait(); command.ProcessState.ExitCode() != 5 {
			t.Errorf("%s: exit code %d", name, command.ProcessState.ExitCode())
		}
	}
}

func TestPlainIsThisProcessItself(t *testing.T) {
	for _, format := range []string{"", Plain} {
		command := service(`echo $$ '{"a"'`, FormatVariable+"="+format)
		var out bytes.Buffer
		command.Stdout = &out
		if err := command.Run(); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); got != fmt.Sprintf("%d {\"a\"\n", command.Process.Pid) {
			t.Errorf("%q: %q", format, got)
		}
	}
}

func TestAnotherFormatIsRefused(t *testing.T) {
	t.Setenv(FormatVariable, "xml")
	if _, err := Wanted(); err == nil || err.Error() != `DAGNIX_LOG_FORMAT must be plain or json, not "xml"` {
		t.Error(err)
	}
}

// Who starts something in a container with `podman exec` reads what it prints.
func TestACommandThatEntersTheContainerIsNoService(t *testing.T) {
	for _, test := range []struct {
		pid, parent int
		want        bool
	}{{1, 0, false}, {7, 1, false}, {40, 0, true}} {
		if got := entered(test.pid, test.parent); got != test.want {
			t.Errorf("process %d of %d: %v", test.pid, test.parent, got)
		}
	}
}
