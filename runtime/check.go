package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"dagnix/runtime/internal/codeserver"
	"dagnix/runtime/internal/secret"
)

// checkCode tells in one line whether the project's code loads, however long that takes.
func checkCode(ctx context.Context, stdout io.Writer) int {
	if err := secret.Export(); err != nil {
		return report(ctx, err, os.Stderr)
	}
	well, err := codeserver.Check(ctx, os.Stderr)
	if err != nil {
		fmt.Fprintln(stdout, err)
		return 1
	}
	fmt.Fprintln(stdout, well)
	return 0
}

// checkEachLine does so for each line on standard input.
func checkEachLine(ctx context.Context, stdout io.Writer) error {
	if err := secret.Export(); err != nil {
		return err
	}
	return codeserver.CheckEachLine(ctx, os.Stdin, stdout, os.Stderr)
}
