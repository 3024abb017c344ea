package dagster

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

const (
	// tolerance is Dagster's own for one daemon: DEFAULT_DAEMON_HEARTBEAT_TOLERANCE_SECONDS plus
	// DEFAULT_HEARTBEAT_INTERVAL_SECONDS. One long tick of a sensor is no fault.
	tolerance = (1800 + 30) * time.Second
	// silence is for the process as a whole: each daemon posts every 30 s from a thread of its own,
	// so when none has for this long, the process hangs or cannot write.
	silence = 120 * time.Second
)

// Heartbeat is a row of Dagster's table daemon_heartbeats (its column body).
type Heartbeat struct {
	// Type of the daemon, such as SENSOR.
	Type string `json:"daemon_type"`
	// ID of the daemon process, random at each start, the same for all its daemons.
	ID string `json:"daemon_id"`
	// Timestamp in seconds since 1970, by the daemon's clock.
	Timestamp float64 `json:"timestamp"`
	// Errors of the last five minutes; those of the user's sensors and schedules are among them.
	Errors []ErrorInfo `json:"errors"`
}

// ParseHeartbeat reads the column body.
func ParseHeartbeat(body string) (Heartbeat, error) {
	var heartbeat Heartbeat
	if err := json.Unmarshal([]byte(body), &heartbeat); err != nil {
		return heartbeat, fmt.Errorf("a daemon's heartbeat is not JSON: %w", err)
	}
	return heartbeat, nil
}

func (h Heartbeat) time() time.Time {
	seconds, part := math.Modf(h.Timestamp)
	return time.Unix(int64(seconds), int64(part*1e9))
}

// LatestID is that of the daemon process which has posted last, "" if none has.
func LatestID(heartbeats []Heartbeat) string {
	var latest Heartbeat
	for _, each := range heartbeats {
		if each.Timestamp > latest.Timestamp {
			latest = each
		}
	}
	return latest.ID
}

// DaemonHealth judges the heartbeats of the daemons that an instance needs. Only those count that
// were posted after started, when the daemon's container was. It returns what is well, with the
// latest error that a daemon reported, if any, or an error with what is not.
func DaemonHealth(required []string, heartbeats []Heartbeat, started, now time.Time) (string, error) {
	var missing, stale, ids []string
	var latest time.Time
	report := ""
	for _, name := range required {
		index := slices.IndexFunc(heartbeats, func(h Heartbeat) bool { return h.Type == name })
		if index < 0 || heartbeats[index].time().Before(started) {
			missing = append(missing, name)
			continue
		}
		heartbeat := heartbeats[index]
		if age := now.Sub(heartbeat.time()); age > tolerance {
			stale = append(stale, fmt.Sprintf("%s (%s ago)", name, age.Round(time.Second)))
		}
		if heartbeat.time().After(latest) {
			latest = heartbeat.time()
		}
		if !slices.Contains(ids, heartbeat.ID) {
			ids = append(ids, heartbeat.ID)
		}
		if report == "" && len(heartbeat.Errors) > 0 {
			report = fmt.Sprintf("; %s reported: %s", name, heartbeat.Errors[0].Sentence(""))
		}
	}
	switch {
	case len(missing) > 0:
		return "", fmt.Errorf("no heartbeat since the start from %s", strings.Join(missing, ", "))
	case now.Sub(latest) > silence:
		return "", fmt.Errorf("no daemon has posted a heartbeat for %s: the daemon hangs, or cannot write to Postgres", now.Sub(latest).Round(time.Second))
	case len(stale) > 0:
		return "", fmt.Errorf("the last heartbeat is too old from %s", strings.Join(stale, ", "))
	case len(ids) > 1:
		return "", fmt.Errorf("%d daemon processes post heartbeats: stop all but one", len(ids))
	}
	return fmt.Sprintf("%d daemons post heartbeats, the last %s ago%s",
		len(required), now.Sub(latest).Round(time.Second), report), nil
}
