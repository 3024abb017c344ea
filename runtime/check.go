package main

import (
	"context"
	"io"
	"os"

	"dagnix/runtime/internal/codeserver"
	"dagnix/runtime/internal/secret"
)

// checkCode tells whether the project's code loads.
func checkCode(ctx context.Context) (string, error) {
	if err := secret.Export(); err != nil {
		return "", err
	}
	return codeserver.Check(ctx, os.Stderr)
}

// checkEachLine does so for each line on standard input.
func checkEachLine(ctx context.Context, stdout io.Writer) error {
	if err := secret.Export(); err != nil {
		return err
	}
	return codeserver.CheckEachLine(ctx, os.Stdin, stdout, os.Stderr)
}
