package variables

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dagnix/runtime/internal/secret"
)

// mounted makes folders as they are mounted: settings/…, secrets/shared/… and secrets/location/….
func mounted(t *testing.T, files map[string]string) (folder string) {
	t.Helper()
	root := t.TempDir()
	oldSettings, oldSecrets := Settings, secret.Directory
	t.Cleanup(func() { Settings, secret.Directory = oldSettings, oldSecrets })
	Settings, secret.Directory = filepath.Join(root, "settings"), filepath.Join(root, "secrets")+"/"
	t.Setenv("DAGNIX_SETTINGS", "")
	for name, content := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(root, "copies", "1")
}

func TestWithoutFilesThereIsNothing(t *testing.T) {
	folder := mounted(t, nil)
	found, err := Take("pipes", folder)
	if err != nil || len(found) > 0 {
		t.Errorf("got %v, %v", found, err)
	}
	if _, err := os.Stat(folder); err == nil {
		t.Error("there is a folder for no secrets")
	}
}

func TestWhatWins(t *testing.T) {
	folder := mounted(t, map[string]string{
		"settings/default.toml": "A = 'all'\nB = 'all'\nC = 'all'\nD = 'all'\n[pipes]\nB = 'own'\nC = 'own'\n[other]\nA = 'other'\n",
		"settings/prod.toml":    "C = 'prod'\n[pipes]\nE = 'own in prod'\n",
		"secrets/shared/D":      "secret",
		"secrets/shared/F":      "of all",
		"secrets/location/F":    "own secret\n",
	})
	t.Setenv("DAGNIX_SETTINGS", "prod")
	found, err := Take("pipes", folder)
	want := map[string]string{
		"A": "all", "B": "own", "C": "prod", "D": "secret", "E": "own in prod", "F": "own secret",
		"D_FILE": filepath.Join(folder, "D"), "F_FILE": filepath.Join(folder, "F"),
	}
	if err != nil || !maps.Equal(found, want) {
		t.Errorf("got %v, %v", found, err)
	}
}

func TestAFileIsACopyOfTheWholeSecret(t *testing.T) {
	key := "-----BEGIN KEY-----\n=\"'$x #\n-----END KEY-----\n"
	folder := mounted(t, map[string]string{
		"secrets/shared/KEY": key,
		// As Kubernetes and as a `secret set` that was interrupted leave them.
		"secrets/shared/..data/KEY": "", "secrets/shared/.KEY.12": "",
	})
	found, err := Take("pipes", folder)
	if err != nil || found["KEY"] != strings.TrimSuffix(key, "\n") || len(found) != 2 {
		t.Fatalf("got %v, %v", found, err)
	}
	if err := os.WriteFile(filepath.Join(secret.Directory, "shared", "KEY"), []byte("changed"), 0o600); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(found["KEY_FILE"])
	info, _ := os.Stat(found["KEY_FILE"])
	if err != nil || string(content) != key || info.Mode() != 0o400 {
		t.Errorf("got %q, %v, %v", content, info.Mode(), err)
	}
}

func TestTakeExplains(t *testing.T) {
	long := strings.Repeat("x", maxValue)
	many := map[string]string{}
	for _, letter := range strings.Split("ABCDEFGHIJKLMNOPQ", "") {
		many["secrets/shared/"+letter] = long
	}
	for want, files := range map[string]map[string]string{
		"config/settings/default.toml, line 2: ":                                     {"settings/default.toml": "A = 'a'\nB = b\n"},
		"config/settings/default.toml: A must be text: put its value between quotes": {"settings/default.toml": "A = 1\n"},
		"config/settings/default.toml: B.c must be text":                             {"settings/default.toml": "[pipes.\"B.c\"]\nx = 'x'\n"},
		"config/settings/default.toml: PATH is a variable that":                      {"settings/default.toml": "PATH = '/'\n"},
		"config/settings/default.toml: PYTHONPATH is a variable that":                {"settings/default.toml": "PYTHONPATH = '/'\n"},
		"config/settings/default.toml: a-b is no name of an environment variable":    {"settings/default.toml": "a-b = '/'\n"},
		"the secret a-b is no name of an environment variable":                       {"secrets/shared/a-b": "x"},
		"the secret DAGSTER_HOME is a variable that":                                 {"secrets/location/DAGSTER_HOME": "x"},
		"the secret A_FILE has the name of the variable with the path of A":          {"secrets/location/A_FILE": "x"},
		"shared/A is empty: write the secret into it":                                {"secrets/shared/A": "\n"},
		"the secret A is no text in UTF-8":                                           {"secrets/shared/A": "a\x00b"},
		"the secret B is no text in UTF-8":                                           {"secrets/shared/B": "\xff"},
		"the secret A has 65537 bytes, and 65536 is the most":                        {"secrets/shared/A": long + "x"},
		"the settings and secrets of the code have 111":                              many,
	} {
		folder := mounted(t, files)
		if _, err := Take("pipes", folder); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
		if _, err := os.Stat(folder); err == nil {
			t.Errorf("copies are left: %s", want)
		}
	}
}

func TestSettingsThatAreNamedMustBeThere(t *testing.T) {
	folder := mounted(t, nil)
	t.Setenv("DAGNIX_SETTINGS", "prd")
	_, err := Take("pipes", folder)
	if want := "DAGNIX_SETTINGS is prd, and there is no config/settings/prd.toml"; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}
