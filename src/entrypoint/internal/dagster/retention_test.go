package dagster

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTicksAreKeptForOtherDays(t *testing.T) {
	home := t.TempDir()
	t.Setenv("DAGSTER_HOME", home)
	config := "storage: {}\nretention:\n  # Why.\n  schedule:\n    purge_after_days: 90\n\n  sensor: {}\n# Next.\ntelemetry:\n  enabled: false"
	if err := os.WriteFile(filepath.Join(home, "dagster.yaml"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := KeepTicks(t.TempDir()); err != nil || os.Getenv("DAGSTER_HOME") != home {
		t.Fatal("without the variable nothing changes", err)
	}
	t.Setenv("DAGNIX_TICK_DAYS", "7")
	if err := KeepTicks(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(os.Getenv("DAGSTER_HOME"), "dagster.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	found := string(text)
	if strings.Contains(found, "90") || strings.Count(found, "retention:") != 1 || !strings.Contains(found, "sensor: {purge_after_days: 7}") {
		t.Error(found)
	}
	if !strings.HasPrefix(found, "storage: {}\n") || !strings.Contains(found, "telemetry:\n  enabled: false\n") {
		t.Error(found)
	}
	t.Setenv("DAGNIX_TICK_DAYS", "some")
	if err := KeepTicks(t.TempDir()); err == nil || !strings.Contains(err.Error(), "DAGNIX_TICK_DAYS") {
		t.Error(err)
	}
}
