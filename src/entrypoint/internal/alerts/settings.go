package alerts

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Settings are those of the environment.
type Settings struct {
	Instance string
	// Link is the dashboard's address, for links in alerts; "" for none.
	Link string
	// Off are the kinds that are not told.
	Off []string
	// Look is the pause between two looks, After how long something has to be wrong, or well again,
	// before it is told, and Again after how long it is told anew; 0 is never.
	Look, After, Again time.Duration
	// Queue is how old the oldest run in the queue may be, Late how late a tick; 0 is without limit.
	Queue, Late time.Duration
	// Backups tells that the instance has the service backup.
	Backups bool
	// State is the folder that is written to.
	State string
}

// SettingsFromEnvironment reads DAGNIX_ALERT_… . An error is one sentence that names the variable.
func SettingsFromEnvironment() (Settings, error) {
	s := Settings{
		Instance: or(os.Getenv("COMPOSE_PROJECT_NAME"), "dagnix"),
		Link:     strings.TrimRight(os.Getenv("DAGNIX_ALERT_LINK"), "/"),
		Backups:  os.Getenv("DAGNIX_ALERT_BACKUPS") != "0",
		State:    or(os.Getenv("DAGNIX_ALERT_STATE"), "/var/lib/dagster/alerts"),
	}
	for _, kind := range strings.FieldsFunc(os.Getenv("DAGNIX_ALERT_OFF"), func(r rune) bool { return r == ',' || r == ' ' }) {
		if !slices.Contains(Kinds, kind) {
			return s, fmt.Errorf("DAGNIX_ALERT_OFF has %q: give kinds of alerts with commas between them, of %s", kind, strings.Join(Kinds, ", "))
		}
		s.Off = append(s.Off, kind)
	}
	for _, each := range []struct {
		variable, fallback string
		unit               time.Duration
		least              float64
		to                 *time.Duration
	}{
		{"DAGNIX_ALERT_LOOK_SECONDS", "30", time.Second, 0.1, &s.Look},
		{"DAGNIX_ALERT_AFTER_SECONDS", "120", time.Second, 0, &s.After},
		{"DAGNIX_ALERT_AGAIN_HOURS", "24", time.Hour, 0, &s.Again},
		{"DAGNIX_ALERT_QUEUE_MINUTES", "60", time.Minute, 0, &s.Queue},
		{"DAGNIX_ALERT_TICK_MINUTES", "5", time.Minute, 0, &s.Late},
	} {
		text := or(os.Getenv(each.variable), each.fallback)
		value, err := strconv.ParseFloat(text, 64)
		if err != nil || !(value >= each.least && value <= 1e6) {
			return s, fmt.Errorf("%s is %q: give a number from %g on, such as %s", each.variable, text, each.least, each.fallback)
		}
		*each.to = time.Duration(value * float64(each.unit))
	}
	return s, nil
}
