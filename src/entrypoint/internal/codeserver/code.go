package codeserver

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"dagnix/runtime/internal/variables"
)

// Code is what a code server and the runs of its time begin with. The run server
// (src/dagster_dagnix) asks for it at each load of the code.
type Code struct {
	// Folder is the project's, or that of its snapshot.
	Folder string `json:"folder"`
	// Options are those of `dagster api grpc`.
	Options []string `json:"options"`
	// Environment is the whole of it, with the code's settings and secrets.
	Environment map[string]string `json:"environment"`
	// Generation names the snapshot and the copies of the secrets. The run server gives it back for as
	// long as a process uses them.
	Generation string `json:"generation"`
}

// Prepare returns the code as it is now, and removes what belongs to generations that nothing uses.
func Prepare(ctx context.Context, used []string) (Code, error) {
	generation := strconv.FormatInt(time.Now().UnixNano(), 10)
	code, err := prepare(generation)
	if err != nil {
		return Code{}, errors.Join(err, removeGeneration(generation))
	}
	return code, removeUnused(ctx, append(used, generation))
}

func prepare(generation string) (Code, error) {
	folder := Folder()
	if Snapshots() != "" {
		folder = filepath.Join(Snapshots(), generation)
		if err := take(Folder(), folder); err != nil {
			return Code{}, err
		}
	}
	found, err := readProject(folder)
	if err != nil {
		return Code{}, errors.New(string(AsMounted([]byte(err.Error()))))
	}
	own, err := variables.Take(Location(), filepath.Join(secretCopies(), generation))
	if err != nil {
		return Code{}, err
	}
	environment := map[string]string{}
	for _, each := range os.Environ() {
		name, value, _ := strings.Cut(each, "=")
		environment[name] = value
	}
	maps.Copy(environment, own)
	environment["PYTHONPATH"] = pythonPath(found.modules)
	return Code{Folder: folder, Options: found.options(), Environment: environment, Generation: generation}, nil
}

// Enter gives this process, which becomes a program of Dagster's that loads the code, the folder and the
// environment of a code server. It returns the options of `dagster api grpc`.
func Enter() ([]string, error) {
	code, err := prepare(strconv.FormatInt(time.Now().UnixNano(), 10))
	if err != nil {
		return nil, err
	}
	if err := os.Chdir(code.Folder); err != nil {
		return nil, err
	}
	return code.Options, variables.Set(code.Environment)
}

// secretCopies is the folder in memory with the secrets' files of each generation.
func secretCopies() string { return filepath.Join(os.TempDir(), "secrets") }

// ExportVariables puts the location's settings and secrets into the environment of this process, which
// becomes a program that is no code server.
func ExportVariables() error {
	found, err := variables.Take(Location(), filepath.Join(secretCopies(), strconv.FormatInt(time.Now().UnixNano(), 10)))
	if err != nil {
		return err
	}
	return variables.Set(found)
}
