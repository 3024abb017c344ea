// Package secret reads secrets that the container gets as files.
package secret

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Directory is where Compose mounts secrets; only tests set another, when they link.
var Directory = "/run/secrets/"

const suffix = "_FILE"

// Export sets NAME for every variable NAME_FILE that names a file under [Directory]: Dagster takes
// secrets only from the environment. NAME_FILE stays, as some programs want it (SSL_CERT_FILE).
func Export() error {
	for _, variable := range os.Environ() {
		key, _, _ := strings.Cut(variable, "=")
		name, isFile := strings.CutSuffix(key, suffix)
		if !isFile || name == "" || !isSecretFile(os.Getenv(key)) {
			continue
		}
		value, err := Lookup(name)
		if err != nil {
			return err
		}
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf("the secret file %s cannot be put into %s: %w", os.Getenv(key), name, err)
		}
	}
	return nil
}

// Lookup returns the secret NAME: the content of the file in NAME_FILE if that lies under
// [Directory], or else the variable itself, which may be empty.
func Lookup(name string) (string, error) {
	path := os.Getenv(name + suffix)
	if !isSecretFile(path) {
		return os.Getenv(name), nil
	}
	value, err := Read(path)
	if err != nil {
		return "", fmt.Errorf("%w (from %s%s)", err, name, suffix)
	}
	if set := os.Getenv(name); set != "" && set != value {
		return "", fmt.Errorf("%s and %s%s are both set, and differ: keep one of them", name, name, suffix)
	}
	return value, nil
}

// Read returns the content of a secret file without its trailing line breaks.
func Read(path string) (string, error) {
	content, err := Content(path)
	return Value(content), err
}

// Value is what a secret file says, without its trailing line breaks.
func Value(content []byte) string { return strings.TrimRight(string(content), "\r\n") }

// Content returns all that a secret file holds, which is more than line breaks.
func Content(path string) ([]byte, error) {
	content, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("the secret file %s is missing: is the secret listed for this service in compose.yaml, and does its file exist on the host?", path)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("the secret file %s cannot be read by uid %d: on the host, make the file readable (mode 0444) and keep its folder private (mode 0700)", path, os.Getuid())
	case err != nil:
		return nil, fmt.Errorf("the secret file %s cannot be read: %w", path, err)
	case Value(content) == "":
		return nil, fmt.Errorf("the secret file %s is empty: write the secret into it", path)
	}
	return content, nil
}

func isSecretFile(path string) bool {
	return strings.HasPrefix(filepath.Clean(path), Directory)
}
