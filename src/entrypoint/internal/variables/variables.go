// Package variables reads what the project's code gets as environment variables: settings, from files
// of the project, and secrets, from files of the host.
//
// Its contract, whatever mounts the folders: [Settings] holds default.toml and files that go on top of
// it. Each folder of [Secrets] holds a file for each secret; its name is the variable's, its content
// the value. Hidden files are none. A secret wins over a setting of its name, and both win over what
// the container's environment says.
package variables

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"

	"dagnix/runtime/internal/secret"
)

// Settings is the folder of the settings' files; only tests set another.
var Settings = "/etc/dagnix/settings"

// Secrets are the folders of the secrets' files, that of all locations first: the later wins.
func Secrets() []string {
	return []string{filepath.Join(secret.Directory, "shared"), filepath.Join(secret.Directory, "location")}
}

const (
	defaults = "default"
	// fileSuffix ends the name of the variable that has the path of a secret's file.
	fileSuffix = "_FILE"
	// maxValue is half of what Linux takes as one variable, in bytes.
	maxValue = 64 << 10
	// maxAll leaves as much again, of what Linux lets a program begin with, to its arguments.
	maxAll = 1 << 20
)

var (
	valid = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)
	// Those with which programs are found and started, and those that Dagnix and Dagster are told by.
	reserved         = []string{"GRPC_PROXY", "HOME", "HOSTNAME", "PATH"}
	reservedPrefixes = []string{"DAGNIX_", "DAGSTER_", "LD_", "PYTHON", "STORAGE_PG_"}
)

// Take returns the variables of a location by name. If there are secrets, it copies their files to a new
// folder of this path, and the variables name the copies: so a run goes on with the files that it began
// with, too, when a secret is changed.
func Take(location, folder string) (map[string]string, error) {
	found, err := readSettings(location)
	if err != nil {
		return nil, err
	}
	files, err := listSecrets()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(copyAll(files, folder, found), checkSize(found)); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	return found, nil
}

// Set puts variables into this process's environment.
func Set(found map[string]string) error {
	for key, value := range found {
		if err := os.Setenv(key, value); err != nil {
			return fmt.Errorf("the variable %s cannot be set: %w", key, err)
		}
	}
	return nil
}

// copyAll copies secrets to a new folder, and adds their variables to found.
func copyAll(files map[string]string, folder string, found map[string]string) error {
	if len(files) == 0 {
		return nil
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(files)) {
		content, err := readSecret(key, files[key])
		if err != nil {
			return err
		}
		path := filepath.Join(folder, key)
		if err := os.WriteFile(path, content, 0o400); err != nil {
			return err
		}
		found[key], found[key+fileSuffix] = secret.Value(content), path
	}
	return nil
}

func readSecret(key, path string) ([]byte, error) {
	said := "the secret " + key
	if err := checkName(said, key); err != nil {
		return nil, err
	}
	if before, isFile := strings.CutSuffix(key, fileSuffix); isFile {
		return nil, fmt.Errorf("%s has the name of the variable with the path of %s: choose another name", said, before)
	}
	content, err := secret.Content(path)
	if err != nil {
		return nil, err
	}
	return content, checkValue(said, string(content))
}

// listSecrets returns the paths of the secrets' files by name.
func listSecrets() (map[string]string, error) {
	found := map[string]string{}
	for _, folder := range Secrets() {
		entries, err := os.ReadDir(folder)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if errors.Is(err, fs.ErrPermission) {
			return nil, fmt.Errorf("the folder of secrets %s is closed to uid %d: on the host, make it open to read (mode 0755) and keep the folder around it private (mode 0700)", folder, os.Getuid())
		}
		if err != nil {
			return nil, fmt.Errorf("cannot list the secrets: %w", err)
		}
		for _, entry := range entries {
			if !strings.HasPrefix(entry.Name(), ".") {
				found[entry.Name()] = filepath.Join(folder, entry.Name())
			}
		}
	}
	return found, nil
}

// readSettings returns the settings of a location: those of all, and on top its own, first from
// default.toml and then from the file that DAGNIX_SETTINGS names.
func readSettings(location string) (map[string]string, error) {
	found := map[string]string{}
	if err := addSettings(found, defaults, location, false); err != nil {
		return nil, err
	}
	if chosen := os.Getenv("DAGNIX_SETTINGS"); chosen != "" && chosen != defaults {
		return found, addSettings(found, chosen, location, true)
	}
	return found, nil
}

func addSettings(found map[string]string, file, location string, required bool) error {
	shown := "settings/" + file + ".toml"
	text, err := os.ReadFile(filepath.Join(Settings, file+".toml"))
	if errors.Is(err, fs.ErrNotExist) {
		if !required {
			return nil
		}
		return fmt.Errorf("DAGNIX_SETTINGS is %s, and there is no config/%s", file, shown)
	}
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("config/%s is closed to other users than its owner: `chmod -R o+rX` config/settings", shown)
	}
	if err != nil {
		return fmt.Errorf("cannot read the settings: %w", err)
	}
	var all map[string]any
	if err := toml.Unmarshal(text, &all); err != nil {
		if syntax := new(toml.DecodeError); errors.As(err, &syntax) {
			line, _ := syntax.Position()
			return fmt.Errorf("config/%s, line %d: %s", shown, line, syntax.Error())
		}
		return fmt.Errorf("config/%s: %w", shown, err)
	}
	own := map[string]any{}
	for key, value := range all {
		if table, isTable := value.(map[string]any); isTable {
			delete(all, key)
			if key == location {
				own = table
			}
		}
	}
	for _, table := range []map[string]any{all, own} {
		for _, key := range slices.Sorted(maps.Keys(table)) {
			if err := addSetting(found, "config/"+shown+": "+key, key, table[key]); err != nil {
				return err
			}
		}
	}
	return nil
}

func addSetting(found map[string]string, said, key string, value any) error {
	text, isText := value.(string)
	if !isText {
		return fmt.Errorf("%s must be text: put its value between quotes", said)
	}
	found[key] = text
	return errors.Join(checkName(said, key), checkValue(said, text))
}

func checkName(said, key string) error {
	isPrefix := func(prefix string) bool { return strings.HasPrefix(strings.ToUpper(key), prefix) }
	switch {
	case !valid.MatchString(key):
		return fmt.Errorf("%s is no name of an environment variable: give letters, digits and underscores, at most 128, and begin with no digit", said)
	case slices.Contains(reserved, strings.ToUpper(key)) || slices.ContainsFunc(reservedPrefixes, isPrefix):
		return fmt.Errorf("%s is a variable that Dagnix, Dagster or Python is told by: choose another name", said)
	}
	return nil
}

func checkSize(found map[string]string) error {
	size := 0
	for key, value := range found {
		size += len(key) + len(value)
	}
	if size > maxAll {
		return fmt.Errorf("the settings and secrets of the code have %d bytes in all, and %d is the most", size, maxAll)
	}
	return nil
}

func checkValue(said, value string) error {
	switch {
	case len(value) > maxValue:
		return fmt.Errorf("%s has %d bytes, and %d is the most", said, len(value), maxValue)
	case !utf8.ValidString(value) || strings.ContainsRune(value, 0):
		return fmt.Errorf("%s is no text in UTF-8: encode it, with base64 say", said)
	}
	return nil
}
