package dagster

import (
	"fmt"
	"os"
	"strconv"
)

// timeouts are Dagster's own variables (dagster/_grpc/utils.py), by the variables that set them. Dagster
// would end with a traceback for what is no number.
var timeouts = map[string]string{
	"DAGNIX_SENSOR_SECONDS":   "DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS",
	"DAGNIX_SCHEDULE_SECONDS": "DAGSTER_SCHEDULE_GRPC_TIMEOUT_SECONDS",
	"DAGNIX_LOAD_SECONDS":     "DAGSTER_REPOSITORY_GRPC_TIMEOUT_SECONDS",
	"DAGNIX_ANSWER_SECONDS":   "DAGSTER_GRPC_TIMEOUT_SECONDS",
}

// ExportTimeouts tells the Dagster that this process becomes how long a code server may take to answer.
func ExportTimeouts() error {
	for name, of := range timeouts {
		text := os.Getenv(name)
		if text == "" {
			continue
		}
		if seconds, err := strconv.Atoi(text); err != nil || seconds < 1 {
			return fmt.Errorf("%s is %q: give a whole number of seconds, such as 60", name, text)
		}
		if err := os.Setenv(of, text); err != nil {
			return err
		}
	}
	return nil
}
