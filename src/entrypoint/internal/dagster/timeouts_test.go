package dagster

import (
	"os"
	"strings"
	"testing"
)

func TestTimeoutsOfACodeServerAreDagsters(t *testing.T) {
	for name, of := range timeouts {
		t.Setenv(name, "")
		t.Setenv(of, "")
	}
	t.Setenv("DAGNIX_SENSOR_SECONDS", "300")
	if err := ExportTimeouts(); err != nil {
		t.Fatal(err)
	}
	if found := os.Getenv("DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS"); found != "300" {
		t.Error(found)
	}
	if found := os.Getenv("DAGSTER_GRPC_TIMEOUT_SECONDS"); found != "" {
		t.Error("what is not set stays Dagster's default, not", found)
	}
	for _, text := range []string{"5m", "0", "-1", "1.5"} {
		t.Setenv("DAGNIX_SCHEDULE_SECONDS", text)
		if err := ExportTimeouts(); err == nil || !strings.Contains(err.Error(), "DAGNIX_SCHEDULE_SECONDS is \""+text) {
			t.Error(text, err)
		}
	}
}
