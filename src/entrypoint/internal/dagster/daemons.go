package dagster

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// instance holds the settings of dagster.yaml that decide which daemons an instance needs.
type instance struct {
	Scheduler      *class  `yaml:"scheduler"`
	RunCoordinator *class  `yaml:"run_coordinator"`
	RunMonitoring  enabled `yaml:"run_monitoring"`
	RunRetries     enabled `yaml:"run_retries"`
	Freshness      enabled `yaml:"freshness"`
	Materialize    struct {
		Enabled    *flag `yaml:"enabled"`
		UseSensors *flag `yaml:"use_sensors"`
	} `yaml:"auto_materialize"`
}

type class struct {
	Name string `yaml:"class"`
}

type enabled struct {
	Enabled *flag `yaml:"enabled"`
}

// flag is a boolean as it is, or as {env: NAME} (Dagster's BoolSource).
type flag bool

func (f *flag) UnmarshalYAML(node *yaml.Node) error {
	var source struct {
		Env string `yaml:"env"`
	}
	if node.Kind == yaml.MappingNode {
		if err := node.Decode(&source); err != nil {
			return err
		}
		// As get_boolean_string_value in dagster_shared.utils.
		value := strings.ToLower(os.Getenv(source.Env))
		*f = flag(!slices.Contains([]string{"false", "none", "0", ""}, value))
		return nil
	}
	return node.Decode((*bool)(f))
}

func (f *flag) or(fallback bool) bool {
	if f == nil {
		return fallback
	}
	return bool(*f)
}

// RequiredDaemons returns the types of the daemons that the instance with this dagster.yaml runs,
// as DagsterInstance.get_required_daemon_types decides it. A missing file means Dagster's defaults.
func RequiredDaemons(path string) ([]string, error) {
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot read Dagster's settings: %w", err)
	}
	var settings instance
	if err := yaml.Unmarshal(text, &settings); err != nil {
		return nil, fmt.Errorf("cannot read Dagster's settings in %s: %w", path, err)
	}
	daemons := []string{"SENSOR", "BACKFILL"}
	for _, daemon := range []struct {
		name     string
		required bool
	}{
		{"SCHEDULER", settings.Scheduler == nil || settings.Scheduler.Name == "DagsterDaemonScheduler"},
		{"QUEUED_RUN_COORDINATOR", settings.RunCoordinator == nil || settings.RunCoordinator.Name == "QueuedRunCoordinator"},
		{"MONITORING", settings.RunMonitoring.Enabled.or(false)},
		{"EVENT_LOG_CONSUMER", settings.RunRetries.Enabled.or(false)},
		{"ASSET", settings.Materialize.Enabled.or(true) || settings.Materialize.UseSensors.or(true)},
		{"FRESHNESS_DAEMON", settings.Freshness.Enabled.or(true)},
	} {
		if daemon.required {
			daemons = append(daemons, daemon.name)
		}
	}
	return daemons, nil
}
