package dagster

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRequiredDaemons(t *testing.T) {
	t.Setenv("USE_SENSORS", "False")
	const defaults = "SENSOR BACKFILL SCHEDULER QUEUED_RUN_COORDINATOR ASSET FRESHNESS_DAEMON"
	for settings, want := range map[string]string{
		"":                           defaults,
		"storage:\n  postgres: {}\n": defaults,
		"run_monitoring: {enabled: true}\nrun_retries: {enabled: true}\n":       "SENSOR BACKFILL SCHEDULER QUEUED_RUN_COORDINATOR MONITORING EVENT_LOG_CONSUMER ASSET FRESHNESS_DAEMON",
		"run_monitoring: {start_timeout_seconds: 9}\n":                          defaults,
		"run_queue: {max_concurrent_runs: 5}\n":                                 defaults,
		"run_coordinator: {module: m, class: DefaultRunCoordinator}\n":          "SENSOR BACKFILL SCHEDULER ASSET FRESHNESS_DAEMON",
		"scheduler: {module: m, class: Other}\n":                                "SENSOR BACKFILL QUEUED_RUN_COORDINATOR ASSET FRESHNESS_DAEMON",
		"freshness: {enabled: false}\n":                                         "SENSOR BACKFILL SCHEDULER QUEUED_RUN_COORDINATOR ASSET",
		"auto_materialize: {enabled: false}\n":                                  defaults,
		"auto_materialize: {enabled: false, use_sensors: {env: USE_SENSORS}}\n": "SENSOR BACKFILL SCHEDULER QUEUED_RUN_COORDINATOR FRESHNESS_DAEMON",
	} {
		path := filepath.Join(t.TempDir(), "dagster.yaml")
		if err := os.WriteFile(path, []byte(settings), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := RequiredDaemons(path); err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q:\n got %v, %v\nwant %s", settings, got, err, want)
		}
	}
	if got, err := RequiredDaemons(filepath.Join(t.TempDir(), "none")); err != nil || strings.Join(got, " ") != defaults {
		t.Errorf("without a file: got %v, %v", got, err)
	}
}
