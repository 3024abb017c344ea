package codeserver

import (
	"cmp"
	"os"
	"path/filepath"

	"dagnix/runtime/internal/runserver"
	"dagnix/runtime/internal/variables"
)

// Folder is where the Dagster project stands.
func Folder() string {
	if folder := os.Getenv("DAGNIX_PIPES_DIR"); folder != "" {
		return filepath.Clean(folder)
	}
	return "/opt/dagster/pipes"
}

// Location is the name in the workspace of the code location that is served here.
func Location() string { return cmp.Or(os.Getenv("DAGNIX_LOCATION"), "pipes") }

// Port is that at which Dagster's own code server listens in place of a run server, or "". Kubernetes
// starts the runs there.
func Port() string { return os.Getenv("DAGNIX_CODE_SERVER_PORT") }

// Command returns the command of the run server, which serves the project and executes its runs. A
// mounted project is followed as it is edited.
func Command() ([]string, error) {
	if Port() != "" {
		options, err := Enter()
		// Code that does not load is served as its error, which the health check tells.
		command := []string{"dagster", "api", "grpc", "--host", "0.0.0.0", "--port", Port(), "--lazy-load-user-code"}
		return append(command, options...), err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := []string{
		"python", "-P", "-m", "dagster_dagnix.server",
		"--sockets", runserver.Folder(),
		"--location", Location(),
	}
	if Snapshots() != "" && os.Getenv("DAGNIX_WATCH") != "0" {
		for _, folder := range append(variables.Secrets(), Folder(), variables.Settings) {
			if _, err := os.Stat(folder); err == nil {
				command = append(command, "--watch", folder)
			}
		}
	}
	return append(command, "--prepare", self, "code"), nil
}

// options are those of `dagster api grpc` that serve a project.
func (p project) options() []string {
	options := []string{"--working-directory", p.modules, p.option, p.target}
	if p.attribute != "" {
		options = append(options, "--attribute", p.attribute)
	}
	// Options win over their environment variables, so pass none that the user may have set there.
	if os.Getenv("DAGSTER_LOCATION_NAME") == "" {
		options = append(options, "--location-name", cmp.Or(os.Getenv("DAGNIX_LOCATION"), p.location))
	}
	return options
}

// pythonPath is PYTHONPATH with the modules before what the user has set.
func pythonPath(modules string) string {
	if old := os.Getenv("PYTHONPATH"); old != "" {
		return modules + string(os.PathListSeparator) + old
	}
	return modules
}
