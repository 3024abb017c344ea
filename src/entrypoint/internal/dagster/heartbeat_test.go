package dagster

import (
	"strings"
	"testing"
	"time"
)

func TestParseHeartbeat(t *testing.T) {
	// As Dagster 1.13.27 wrote it.
	body := `{"__class__": "DaemonHeartbeat", "daemon_id": "7fc46c04-379f-4055-821b-b324d7fd3e93", "daemon_type": "SENSOR", "errors": [], "timestamp": 1795460229.451417}`
	got, err := ParseHeartbeat(body)
	if err != nil {
		t.Fatal(err)
	}
	if got.Type != "SENSOR" || got.ID[:8] != "7fc46c04" || got.time().UnixMilli() != 1795460229451 {
		t.Errorf("got %+v", got)
	}
}

func TestDaemonHealth(t *testing.T) {
	now := time.Unix(1795460000, 0)
	ago := func(kind, id string, seconds float64) Heartbeat {
		return Heartbeat{Type: kind, ID: id, Timestamp: float64(now.Unix()) - seconds}
	}
	failing := ago("SENSOR", "a", 9)
	failing.Errors = []ErrorInfo{{Message: "ValueError: no host\n", ClassName: "ValueError"}}
	required := []string{"SENSOR", "BACKFILL"}
	for name, test := range map[string]struct {
		heartbeats []Heartbeat
		uptime     time.Duration
		want       string
		well       bool
	}{
		"fresh":          {[]Heartbeat{ago("SENSOR", "a", 20), ago("BACKFILL", "a", 9)}, time.Hour, "2 daemons post heartbeats, the last 9s ago", true},
		"with an error":  {[]Heartbeat{failing, ago("BACKFILL", "a", 9)}, time.Hour, "2 daemons post heartbeats, the last 9s ago; SENSOR reported: ValueError: no host", true},
		"long tick":      {[]Heartbeat{ago("SENSOR", "a", 1800), ago("BACKFILL", "a", 9)}, time.Hour, "2 daemons post", true},
		"one hangs":      {[]Heartbeat{ago("SENSOR", "a", 1831), ago("BACKFILL", "a", 9)}, time.Hour, "the last heartbeat is too old from SENSOR (30m31s ago)", false},
		"all hang":       {[]Heartbeat{ago("SENSOR", "a", 121), ago("BACKFILL", "a", 140)}, time.Hour, "no daemon has posted a heartbeat for 2m1s", false},
		"one is missing": {[]Heartbeat{ago("SENSOR", "a", 9)}, time.Hour, "no heartbeat since the start from BACKFILL", false},
		"of the last container": {[]Heartbeat{ago("SENSOR", "a", 20), ago("BACKFILL", "b", 9)}, 10 * time.Second,
			"no heartbeat since the start from SENSOR", false},
		"two processes": {[]Heartbeat{ago("SENSOR", "a", 20), ago("BACKFILL", "b", 9)}, time.Hour, "2 daemon processes post heartbeats", false},
	} {
		got, err := DaemonHealth(required, test.heartbeats, now.Add(-test.uptime), now)
		if err != nil {
			got = err.Error()
		}
		if (err == nil) != test.well || !strings.HasPrefix(got, test.want) {
			t.Errorf("%s: got %q, well %v", name, got, err == nil)
		}
	}
}
