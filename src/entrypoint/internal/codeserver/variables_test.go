package codeserver

import (
	"os"
	"path/filepath"
	"testing"

	"dagnix/runtime/internal/secret"
	"dagnix/runtime/internal/variables"
)

// secrets makes the folders of settings and secrets ones of the test's own.
func secrets(t *testing.T) {
	t.Helper()
	oldSettings, oldSecrets := variables.Settings, secret.Directory
	t.Cleanup(func() { variables.Settings, secret.Directory = oldSettings, oldSecrets })
	variables.Settings, secret.Directory = t.TempDir(), t.TempDir()+"/"
	t.Setenv("TMPDIR", t.TempDir())
	t.Setenv("API_KEY", "compose's")
	t.Setenv("API_KEY_FILE", "compose's")
}

func save(t *testing.T, value string) {
	t.Helper()
	path := filepath.Join(secret.Directory, "shared", "API_KEY")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(value), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestEachCodeServerHasTheSecretsOfItsTime(t *testing.T) {
	secrets(t)
	makeProject(t, "[tool.dagster]\nmodule_name = 'jobs'\n")
	var files []string
	for _, value := range []string{"one", "two", "three", "four", "five"} {
		save(t, value)
		code, err := Prepare(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := code.Environment["API_KEY"]; got != value {
			t.Errorf("API_KEY is %q", got)
		}
		files = append(files, code.Environment["API_KEY_FILE"])
	}
	for i, file := range files {
		content, _ := os.ReadFile(file)
		// As snapshots, those that nothing uses go, but for the last.
		if want := []string{"", "", "three", "four", "five"}[i]; string(content) != want {
			t.Errorf("%s has %q, want %q", file, content, want)
		}
	}
}

func TestCodeThatCannotBeServedLeavesNoSecret(t *testing.T) {
	secrets(t)
	makeProject(t, "")
	save(t, "one")
	if _, err := Prepare(t.Context(), nil); err == nil {
		t.Fatal("there is no project")
	}
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "*", "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}
