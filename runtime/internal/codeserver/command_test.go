package codeserver

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// project makes a project folder called pipes with this pyproject.toml ("" for none).
func makeProject(t *testing.T, pyproject string, folders ...string) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "pipes")
	for _, name := range append(folders, ".") {
		if err := os.MkdirAll(filepath.Join(folder, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if pyproject != "" {
		if err := os.WriteFile(filepath.Join(folder, "pyproject.toml"), []byte(pyproject), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("DAGNIX_PIPES_DIR", folder)
	t.Setenv("PYTHONPATH", "")
	for _, name := range []string{"DAGSTER_PIPES_PORT", "DAGSTER_LOCATION_NAME", "DAGSTER_GRPC_PROXY_HEARTBEAT_TTL_SECONDS"} {
		t.Setenv(name, "")
	}
	t.Chdir(folder)
	return folder
}

func TestCommandTakesTheModuleThatDagsterWouldTake(t *testing.T) {
	for pyproject, want := range map[string]string{
		"[tool.dg.project]\nroot_module = 'weather'\n":                                               "--module-name weather.definitions --location-name pipes",
		"[tool.dg.project]\nroot_module = 'weather'\ncode_location_target_module = 'weather.defs'\n": "--module-name weather.defs --location-name pipes",
		"[tool.dg.project]\nroot_module = 'weather'\ncode_location_name = 'climate'\n":               "--module-name weather.definitions --location-name climate",
		"[tool.dg.project]\nroot_module = 'weather'\nautoload_defs = true\n":                         "--autoload-defs-module-name weather.defs --location-name pipes",
		"[tool.dagster]\nmodule_name = 'jobs'\n[tool.dg.project]\nroot_module = 'weather'\n":         "--module-name jobs --location-name pipes",
	} {
		folder := makeProject(t, pyproject, "src")
		got, err := Command([]string{"--log-level", "debug"})
		if err != nil {
			t.Errorf("%s: %v", pyproject, err)
		}
		whole := "dagster code-server start --host 0.0.0.0 --port 4000 --working-directory " + folder + "/src " +
			want + " --heartbeat-ttl 604800 --log-level debug"
		if strings.Join(got, " ") != whole {
			t.Errorf("%s:\n got %s\nwant %s", pyproject, strings.Join(got, " "), whole)
		}
	}
}

func TestCommandSetsUpThePlace(t *testing.T) {
	for _, layout := range [][]string{{"src"}, nil} {
		folder := makeProject(t, "[tool.dg.project]\nroot_module = 'weather'\n", layout...)
		t.Setenv("PYTHONPATH", "/more")
		t.Chdir("/")
		if _, err := Command(nil); err != nil {
			t.Fatal(err)
		}
		modules := filepath.Join(append([]string{folder}, layout...)...)
		if got := os.Getenv("PYTHONPATH"); got != modules+":/more" {
			t.Errorf("PYTHONPATH is %s", got)
		}
		if got, _ := os.Getwd(); got != folder {
			t.Errorf("the current folder is %s", got)
		}
	}
}

func TestCommandLeavesWhatTheEnvironmentSets(t *testing.T) {
	makeProject(t, "[tool.dg.project]\nroot_module = 'weather'\n")
	t.Setenv("DAGSTER_LOCATION_NAME", "east")
	t.Setenv("DAGSTER_GRPC_PROXY_HEARTBEAT_TTL_SECONDS", "60")
	t.Setenv("DAGSTER_PIPES_PORT", "4001")
	got, err := Command(nil)
	if command := strings.Join(got, " "); err != nil || !strings.Contains(command, "--port 4001") ||
		strings.Contains(command, "--location-name") || strings.Contains(command, "--heartbeat-ttl") {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestCommandExplains(t *testing.T) {
	for pyproject, want := range map[string]string{
		"":                                     "no workspace.yaml, and no definitions.py",
		"[project]\nname='x'\n":                "no pyproject.toml with [tool.dg.project] or [tool.dagster]",
		"[tool\n":                              "pyproject.toml, line 1: ",
		"[tool.dg.project]\nroot_module = 3\n": "pyproject.toml, line 2: ",
	} {
		makeProject(t, pyproject)
		if _, err := Command(nil); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: got %v", pyproject, err)
		}
	}
}
