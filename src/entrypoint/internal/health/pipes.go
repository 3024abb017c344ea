package health

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"

	"dagnix/runtime/internal/codeserver"
	"dagnix/runtime/internal/dagster"
	"dagnix/runtime/internal/runserver"
)

// checkPipes asks the run server for the state of its code server, then the code server for what it serves.
// Without a run server (on Kubernetes) it asks only the code server, at its port.
func checkPipes(ctx context.Context) (string, error) {
	if port := codeserver.Port(); port != "" {
		return served(ctx, net.JoinHostPort("127.0.0.1", port))
	}
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
	well, err := served(ctx, filepath.Join(runserver.Folder(), codeserver.Location(), state.Code.Socket))
	if broken := new(dagster.LoadError); err == nil && errors.As(unloaded, &broken) {
		well += "; what was saved last is not: " + broken.Sentence
	}
	return well, err
}

// served asks the code server at an address what it serves.
func served(ctx context.Context, address string) (string, error) {
	reply, err := dagster.ListRepositories(ctx, address)
	if err != nil {
		return "", noAnswer("code server", address, err)
	}
	location, err := dagster.ParseLocation(codeserver.AsMounted(reply), codeserver.Folder())
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("the code is loaded and served (%s, Dagster %s)", strings.Join(location.Modules, ", "), location.Version), nil
}
