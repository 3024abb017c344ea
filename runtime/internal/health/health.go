// Package health holds a check for each service. A check is honest and costs a few milliseconds of
// CPU: it asks the service itself and imports no Dagster.
package health

import (
	"context"
	"strings"
	"time"
)

// Check returns in a sentence what is well, or as an error what is not.
type Check func(context.Context) (string, error)

// Checks by the name of the service.
var Checks = map[string]Check{
	"webserver": checkWebserver,
	"daemon":    checkDaemon,
	"pipes":     checkPipes,
	"postgres":  checkPostgres,
}

// Timeout of a whole check, less than the 5 s that compose.yaml gives it: so the line gets out.
const Timeout = 4 * time.Second

// maxLine keeps the line readable where podman and `dagnix status` show it.
const maxLine = 500

// OneLine folds line breaks and cuts what is too long, in characters.
func OneLine(text string) string {
	line := []rune(strings.Join(strings.Fields(text), " "))
	if len(line) > maxLine {
		line = append(line[:maxLine-1], '…')
	}
	return string(line)
}
