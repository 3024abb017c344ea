package main

import (
	"context"
	"errors"
	"strings"

	"dagnix/runtime/internal/codeserver"
	"dagnix/runtime/internal/dagster"
	"dagnix/runtime/internal/database"
	"dagnix/runtime/internal/secret"
)

// unfinishedRuns returns the IDs of the runs that this container's code server executes.
func unfinishedRuns(ctx context.Context) (string, error) {
	if err := secret.Export(); err != nil {
		return "", err
	}
	config, err := database.FromEnvironment("DAGSTER_PG")
	if err != nil {
		return "", err
	}
	if config == nil {
		return "", errors.New("DAGSTER_PG_HOST is not set: there is no Postgres to ask for runs")
	}
	runs, err := dagster.Unfinished(ctx, config, codeserver.Host())
	return strings.Join(runs, "\n"), err
}
