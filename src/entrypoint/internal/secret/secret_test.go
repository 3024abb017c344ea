package secret

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// secrets makes the directory of secrets one of the test's own.
func secrets(t *testing.T, files map[string]string) {
	t.Helper()
	old := Directory
	t.Cleanup(func() { Directory = old })
	Directory = t.TempDir() + "/"
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(Directory, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestExport(t *testing.T) {
	secrets(t, map[string]string{"password": " a b=c\n"})
	elsewhere := filepath.Join(t.TempDir(), "certificate")
	t.Setenv("SOME_PASSWORD", "") // so that it is unset afterwards
	t.Setenv("SOME_PASSWORD_FILE", Directory+"password")
	t.Setenv("OTHER_FILE", elsewhere)
	t.Setenv("SNEAKY_FILE", Directory+"../certificate")
	if err := Export(); err != nil {
		t.Fatal(err)
	}
	if got := os.Getenv("SOME_PASSWORD"); got != " a b=c" {
		t.Errorf("SOME_PASSWORD is %q", got)
	}
	if _, set := os.LookupEnv("SOME_PASSWORD_FILE"); !set {
		t.Error("SOME_PASSWORD_FILE is gone, and a program may want the file")
	}
	if os.Getenv("OTHER_FILE") != elsewhere || os.Getenv("SNEAKY_FILE") == "" {
		t.Error("a file that is no secret was touched")
	}
}

func TestLookupExplains(t *testing.T) {
	secrets(t, map[string]string{"empty": "\n", "good": "x"})
	if err := os.Mkdir(Directory+"folder", 0o755); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ file, value, want string }{
		"missing": {"none", "", "none is missing: is the secret listed for this service in compose.yaml, and does its file exist on the host? (from A_FILE)"},
		"empty":   {"empty", "", "empty is empty: write the secret into it (from A_FILE)"},
		"both":    {"good", "y", "A and A_FILE are both set, and differ: keep one of them"},
		"folder":  {"folder", "", " cannot be read: "},
	} {
		t.Setenv("A_FILE", Directory+test.file)
		t.Setenv("A", test.value)
		if value, err := Lookup("A"); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %q, %v", name, value, err)
		}
	}
}
