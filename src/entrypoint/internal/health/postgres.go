package health

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/lib/pq"

	"dagnix/runtime/internal/cluster"
	"dagnix/runtime/internal/database"
)

func checkPostgres(ctx context.Context) (string, error) {
	well, err := postgres(ctx, cluster.Sockets())
	if err != nil {
		return "", err
	}
	return withRoom(well, volume{"the volume postgres-data", cluster.Volume()})
}

// postgres asks as the superuser, whose password the server's start has written.
func postgres(ctx context.Context, sockets string) (string, error) {
	config, err := database.OnSocket(sockets, cluster.Superuser, cluster.PasswordFile())
	if errors.Is(err, fs.ErrNotExist) {
		return "", errors.New("Postgres has not been set up: it is still starting, or has ended")
	}
	if err != nil {
		return "", err
	}
	db, err := database.Open(config)
	if err != nil {
		return "", err
	}
	defer db.Close()
	var version string
	err = db.QueryRowContext(ctx, "SELECT current_setting('server_version')").Scan(&version)
	if refusal := new(pq.Error); errors.As(err, &refusal) {
		// "the database system is starting up", "… is shutting down" and the like
		return "", fmt.Errorf("Postgres is not ready: %s", refusal.Message)
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return "", fmt.Errorf("Postgres does not listen in %s: it is still starting, or has ended", sockets)
	}
	if err != nil {
		return "", fmt.Errorf("Postgres does not answer: %w", err)
	}
	return "Postgres answers, version " + version, nil
}
