package dagster

import (
	_ "embed"
	"os"
	"slices"
)

//go:embed become.py
var become string

// execute has Python run what is in an environment variable: lists of processes show all arguments.
const (
	execute  = "import os; exec(os.environ.pop('" + variable + "'))"
	variable = "DAGNIX_PROGRAM"
)

// Before returns the command to run in place of one of Dagster's, or of one that this has returned:
// in its process a Python program runs first. That has to take its arguments off sys.argv.
func Before(command []string, program string, arguments ...string) ([]string, error) {
	start := []string{"python", "-c", execute}
	rest, programs := command, become
	if len(command) > len(start) && slices.Equal(command[:len(start)], start) {
		rest, programs = command[len(start):], os.Getenv(variable)
	}
	if err := os.Setenv(variable, program+"\n"+programs); err != nil {
		return nil, err
	}
	return slices.Concat(start, arguments, rest), nil
}
