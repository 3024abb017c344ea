package dagster

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The last program given is the first to run, and each takes its own arguments.
func TestProgramsRunBeforeTheCommand(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no Python here")
	}
	t.Setenv(variable, "")
	const say = "import sys; print('says', sys.argv.pop(1))"
	dagster := filepath.Join(t.TempDir(), "dagster")
	if err := os.WriteFile(dagster, []byte("import sys; print('dagster', *sys.argv[1:])"), 0o755); err != nil {
		t.Fatal(err)
	}
	command, err := Before([]string{dagster, "code-server", "start"}, say, "second")
	if err == nil {
		command, err = Before(command, say, "first")
	}
	if err != nil {
		t.Fatal(err)
	}
	command[0] = python
	got, err := exec.Command(command[0], command[1:]...).CombinedOutput()
	want := "says first\nsays second\ndagster code-server start\n"
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v", got, err)
	}
	if shown := strings.Join(command, " "); strings.Contains(shown, "print") {
		t.Errorf("lists of processes show %s", shown)
	}
}
