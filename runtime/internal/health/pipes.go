package health

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"dagnix/runtime/internal/codeserver"
	"dagnix/runtime/internal/dagster"
	"dagnix/runtime/internal/runserver"
)

// checkPipes asks the run server how its code server is, and that for what it serves.
func checkPipes(ctx context.Context) (string, error) {
	state, err := runserver.Ask(ctx, codeserver.Location(), "ping")
	if err != nil {
		return "", err
	}
	if state.Draining {
		return fmt.Sprintf("ends its runs (%d in flight) and takes no new ones", len(state.Runs)), nil
	}
	if err := codeserver.LoadError(state.Code.Error); err != nil {
		return "", err
	}
	if !state.Code.Ready {
		return "", fmt.Errorf("the code server is starting")
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
	return fmt.Sprintf("the code is loaded and served (%s, Dagster %s)", strings.Join(location.Modules, ", "), location.Version), nil
}
