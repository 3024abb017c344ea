package main

import (
	"path/filepath"
	"slices"

	"dagnix/runtime/internal/codeserver"
	"dagnix/runtime/internal/logs"
)

// serviceOf returns whose log the output of a command is, under the name in compose.yaml; false for a
// command that is no service.
func serviceOf(command string, rest []string) (logs.Labels, bool) {
	switch {
	case command == "start" && len(rest) > 0:
		return started(rest), true
	case command == "postgres" && len(rest) == 0:
		return logs.Labels{Service: "postgres"}, true
	case command == "backups" && len(rest) == 0:
		return logs.Labels{Service: "backup"}, true
	case command == "alerts" && len(rest) == 0:
		return logs.Labels{Service: "alerts"}, true
	}
	return logs.Labels{}, false
}

// started names what `runtime start` starts. What loads the code is of a code location, also a run in a Job
// of Kubernetes.
func started(command []string) logs.Labels {
	location := codeserver.Location()
	switch {
	case command[0] == "code-server", len(command) > 1 && command[0] == "dagster" && command[1] == "api":
		return logs.Labels{Service: location, Location: location}.OfRun(command)
	case command[0] == "dagster-daemon":
		return logs.Labels{Service: "daemon"}
	case slices.Contains(command, "dagster_dagnix.webserver"):
		return logs.Labels{Service: "webserver"}
	}
	return logs.Labels{Service: filepath.Base(command[0])}
}
