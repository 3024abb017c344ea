package dagster

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
)

// ticks is the block of dagster.yaml that says how long the ticks of schedules and sensors are kept.
var ticks = regexp.MustCompile(`(?m)^retention:.*\n(?:(?:[ \t#].*)?\n)*`)

const ticksFor = `retention:
  schedule: {purge_after_days: %[1]d}
  sensor: {purge_after_days: %[1]d}
  auto_materialize: {purge_after_days: %[1]d}
`

// KeepTicks has what this process becomes keep ticks for DAGNIX_TICK_DAYS in place of what dagster.yaml
// says, where Dagster takes numbers but no variables (1.13). It then reads a copy of that file in the
// folder dagster-home of scratch. The daemon deletes ticks, and what prunes the instance.
func KeepTicks(scratch string) error {
	text := os.Getenv("DAGNIX_TICK_DAYS")
	if text == "" {
		return nil
	}
	days, err := strconv.Atoi(text)
	if err != nil || days < 1 {
		return fmt.Errorf("DAGNIX_TICK_DAYS is %q: give a whole number of days, such as 30", text)
	}
	config, err := os.ReadFile(filepath.Join(os.Getenv("DAGSTER_HOME"), "dagster.yaml"))
	if err != nil {
		return err
	}
	home := filepath.Join(scratch, "dagster-home")
	if err := os.MkdirAll(home, 0o755); err != nil {
		return err
	}
	config = fmt.Appendf(append(ticks.ReplaceAll(config, nil), '\n'), ticksFor, days)
	if err := os.WriteFile(filepath.Join(home, "dagster.yaml"), config, 0o644); err != nil {
		return err
	}
	return os.Setenv("DAGSTER_HOME", home)
}
