package codeserver

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
)

// heartbeatSeconds is how long the inner server lives without a heartbeat from the outer one: a
// week. At Dagster's default of 30 s the inner server ends for good when both were paused for
// longer (podman pause, a laptop's sleep), and the outer one does not start another. They share a
// container, so no inner server is left behind.
const heartbeatSeconds = "604800"

// Folder is where the Dagster project stands.
func Folder() string {
	if folder := os.Getenv("DAGNIX_PIPES_DIR"); folder != "" {
		return filepath.Clean(folder)
	}
	return "/opt/dagster/pipes"
}

// Port is the port that the code server listens on.
func Port() string {
	if port := os.Getenv("DAGSTER_PIPES_PORT"); port != "" {
		return port
	}
	return "4000"
}

// Command returns the command that serves the project in [Folder], with more options of
// `dagster code-server start` at its end. It makes the project's folder the current one and puts
// its modules on PYTHONPATH, so that runs and their steps find them too.
func Command(more []string) ([]string, error) {
	folder := Folder()
	found, err := readProject(folder)
	if err != nil {
		return nil, err
	}
	if err := os.Chdir(folder); err != nil {
		return nil, fmt.Errorf("cannot enter the Dagster project's folder: %w", err)
	}
	if err := os.Setenv("PYTHONPATH", pythonPath(found.modules)); err != nil {
		return nil, err
	}
	command := []string{
		"dagster", "code-server", "start",
		"--host", "0.0.0.0",
		"--port", Port(),
		"--working-directory", found.modules,
		found.option, found.target,
	}
	if found.attribute != "" {
		command = append(command, "--attribute", found.attribute)
	}
	// Options win over their environment variables, so pass none that the user may have set there.
	if os.Getenv("DAGSTER_LOCATION_NAME") == "" {
		command = append(command, "--location-name", cmp.Or(os.Getenv("DAGNIX_LOCATION"), found.location))
	}
	if os.Getenv("DAGSTER_GRPC_PROXY_HEARTBEAT_TTL_SECONDS") == "" {
		command = append(command, "--heartbeat-ttl", heartbeatSeconds)
	}
	return append(command, more...), nil
}

// pythonPath is PYTHONPATH with the modules before what the user has set.
func pythonPath(modules string) string {
	if old := os.Getenv("PYTHONPATH"); old != "" {
		return modules + string(os.PathListSeparator) + old
	}
	return modules
}
