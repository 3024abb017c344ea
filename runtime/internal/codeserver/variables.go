package codeserver

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"dagnix/runtime/internal/variables"
)

// A code server's settings and secrets are those of the time when its inner server began, and its runs
// keep to them to their end. The outer server has none, as an inner one could not be without what is
// taken away.

// ExportVariables puts the location's settings and secrets into the environment.
func ExportVariables() error {
	_, found, err := takeVariables()
	if err != nil {
		return err
	}
	return variables.Set(found)
}

// CheckVariables returns why the location's settings and secrets cannot be used.
func CheckVariables() error {
	folder, _, err := takeVariables()
	if err != nil {
		return err
	}
	return os.RemoveAll(folder)
}

// takeVariables returns the variables, and the folder in memory that has the secrets' files if there are
// any. It removes such folders that no process uses.
func takeVariables() (string, map[string]string, error) {
	store := filepath.Join(os.TempDir(), "secrets")
	if err := removeUnused(store); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", nil, err
	}
	folder := filepath.Join(store, strconv.FormatInt(time.Now().UnixNano(), 10))
	found, err := variables.Take(Location(), folder)
	return folder, found, err
}
