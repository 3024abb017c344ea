package health

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"dagnix/runtime/internal/codeserver"
	"dagnix/runtime/internal/dagster"
	"dagnix/runtime/internal/runserver"
)

// checkPipes asks the run server for the state of its code server, and that for what it serves.
func checkPipes(ctx context.Context) (string, error) {
	well, err := pipes(ctx)
	if err != nil {
		return "", err
	}
	location, data := codeserver.Location(), "/var/lib/dagster"
	logs := filepath.Join(data, "compute_logs", location)
	return withRoom(well, volume{"the volume " + location + "-data", data}, volume{"the folder of compute logs", logs})
}

func pipes(ctx context.Context) (string, error) {
	state, err := runserver.Ask(ctx, codeserver.Location(), "ping")
	if err != nil {
		return "", err
	}
	if state.Ending {
		return "", fmt.Errorf("was told to end: takes no new runs, and ends after those in flight (%d)", len(state.Runs))
	}
	if state.Draining {
		return fmt.Sprintf("ends its runs (%d in flight) and takes no new ones", len(state.Runs)), nil
	}
	unloaded := codeserver.LoadError(state.Code.Error)
	if unloaded != nil && (state.Code.Lazy || !state.Code.Ready) {
		return "", unloaded
	}
	if !state.Code.Ready {
		return "", errors.New("the code server is starting")
	}
	socket := filepath.Join(runserver.Folder(), codeserver.Location(), state.Code.Socket)
	reply, err := dagster.ListRepositories(ctx, socket)
	if err != nil {
		return "", noAnswer("code server", socket, err)
	}
	location, err := dagster.ParseLocation(codeserver.AsMounted(reply), codeserver.Folder())
	if err != nil {
		return "", err
	}
	well := fmt.Sprintf("the code is loaded and served (%s, Dagster %s)", strings.Join(location.Modules, ", "), location.Version)
	if broken := new(dagster.LoadError); errors.As(unloaded, &broken) {
		well += "; what was saved last is not: " + broken.Sentence
	}
	return well, nil
}
