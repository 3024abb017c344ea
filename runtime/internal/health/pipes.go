package health

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"dagnix/runtime/internal/codeserver"
	"dagnix/runtime/internal/dagster"
)

func checkPipes(ctx context.Context) (string, error) {
	return pipes(ctx, net.JoinHostPort("127.0.0.1", codeserver.Port()), codeserver.Folder())
}

// pipes asks the outer code server for something that only the inner one knows.
func pipes(ctx context.Context, address, folder string) (string, error) {
	reply, err := dagster.ListRepositories(ctx, address)
	if dagster.InnerHasEnded(err) {
		return "", errors.New("the inner code server has ended: a new one is started within seconds")
	}
	if status := new(dagster.StatusError); errors.As(err, &status) {
		if strings.Contains(status.Message, "StatusCode.DEADLINE_EXCEEDED") {
			return "", errors.New("the inner code server does not answer: restart the container")
		}
		return "", fmt.Errorf("the code server answers with an error: %w", err)
	}
	if err != nil {
		return "", noAnswer("code server", address, err)
	}
	location, err := dagster.ParseLocation(codeserver.AsMounted(reply), folder)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("the code is loaded and served (%s, Dagster %s)", strings.Join(location.Modules, ", "), location.Version), nil
}
