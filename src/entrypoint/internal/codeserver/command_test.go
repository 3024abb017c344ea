package codeserver

import (
	"os"
	"path/filepath"
	"slices"
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
	for _, name := range []string{"DAGNIX_LOCATION", "DAGNIX_PIPES_SNAPSHOTS", "DAGSTER_LOCATION_NAME"} {
		t.Setenv(name, "")
	}
	t.Chdir(folder)
	return folder
}

func TestTheModuleThatDagsterWouldTake(t *testing.T) {
	for pyproject, want := range map[string]string{
		"[tool.dg.project]\nroot_module = 'weather'\n":                                               "--module-name weather.definitions --location-name pipes",
		"[tool.dg.project]\nroot_module = 'weather'\ncode_location_target_module = 'weather.defs'\n": "--module-name weather.defs --location-name pipes",
		"[tool.dg.project]\nroot_module = 'weather'\ncode_location_name = 'climate'\n":               "--module-name weather.definitions --location-name climate",
		"[tool.dg.project]\nroot_module = 'weather'\nautoload_defs = true\n":                         "--autoload-defs-module-name weather.defs --location-name pipes",
		"[tool.dagster]\nmodule_name = 'jobs'\n[tool.dg.project]\nroot_module = 'weather'\n":         "--module-name jobs --location-name pipes",
	} {
		folder := makeProject(t, pyproject, "src")
		got, err := Prepare(t.Context(), nil)
		if err != nil {
			t.Errorf("%s: %v", pyproject, err)
		}
		whole := "--working-directory " + folder + "/src " + want
		if strings.Join(got.Options, " ") != whole || got.Folder != folder {
			t.Errorf("%s:\n got %s in %s\nwant %s", pyproject, strings.Join(got.Options, " "), got.Folder, whole)
		}
	}
}

func TestModulesComeBeforeWhatTheUserHasOnThePath(t *testing.T) {
	for _, layout := range [][]string{{"src"}, nil} {
		folder := makeProject(t, "[tool.dg.project]\nroot_module = 'weather'\n", layout...)
		t.Setenv("PYTHONPATH", "/more")
		got, err := Prepare(t.Context(), nil)
		modules := filepath.Join(append([]string{folder}, layout...)...)
		if path := got.Environment["PYTHONPATH"]; err != nil || path != modules+":/more" {
			t.Errorf("PYTHONPATH is %s, %v", path, err)
		}
	}
}

func TestALocationNameInTheEnvironmentStays(t *testing.T) {
	makeProject(t, "[tool.dg.project]\nroot_module = 'weather'\n")
	t.Setenv("DAGSTER_LOCATION_NAME", "east")
	got, err := Prepare(t.Context(), nil)
	if err != nil || slices.Contains(got.Options, "--location-name") {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestTheRunServerFollowsAMountedProject(t *testing.T) {
	folder := makeProject(t, "")
	for _, test := range []struct {
		snapshots, watch string
		follows          bool
	}{
		{"", "", false},
		{"/var/lib/dagster/snapshots", "", true},
		{"/var/lib/dagster/snapshots", "0", false},
	} {
		t.Setenv("DAGNIX_PIPES_SNAPSHOTS", test.snapshots)
		t.Setenv("DAGNIX_WATCH", test.watch)
		got, err := Command()
		command := strings.Join(got, " ")
		if err != nil || strings.Contains(command, "--watch "+folder) != test.follows || !strings.HasSuffix(command, " code") {
			t.Errorf("got %s, %v", command, err)
		}
	}
}

func TestDagstersOwnCodeServerTakesThePlaceOfTheRunServerAtAPort(t *testing.T) {
	folder := makeProject(t, "[tool.dg.project]\nroot_module = 'weather'\n", "src")
	t.Setenv("DAGNIX_CODE_SERVER_PORT", "4000")
	t.Chdir("/")
	got, err := Command()
	want := "dagster api grpc --host 0.0.0.0 --port 4000 --lazy-load-user-code --working-directory " + folder + "/src --module-name weather.definitions --location-name pipes"
	if err != nil || strings.Join(got, " ") != want {
		t.Errorf("got %s, %v", strings.Join(got, " "), err)
	}
	if here, err := os.Getwd(); err != nil || here != folder || os.Getenv("PYTHONPATH") != folder+"/src" {
		t.Errorf("it is in %s with %s, %v", here, os.Getenv("PYTHONPATH"), err)
	}
	makeProject(t, "[tool\n")
	if _, err := Command(); err == nil || !strings.Contains(err.Error(), "pyproject.toml, line 1") {
		t.Errorf("got %v", err)
	}
}

func TestPrepareExplains(t *testing.T) {
	for pyproject, want := range map[string]string{
		"":                                     "no workspace.yaml, and no definitions.py",
		"[project]\nname='x'\n":                "no pyproject.toml with [tool.dg.project] or [tool.dagster]",
		"[tool\n":                              "pyproject.toml, line 1: ",
		"[tool.dg.project]\nroot_module = 3\n": "pyproject.toml, line 2: ",
	} {
		makeProject(t, pyproject)
		if _, err := Prepare(t.Context(), nil); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: got %v", pyproject, err)
		}
	}
}
