package backup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestABackupThatIsLateIsTold(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	ago := func(hours float64) *time.Time {
		moment := now.Add(-time.Duration(hours * float64(time.Hour)))
		return &moment
	}
	for name, c := range map[string]struct {
		every         time.Duration
		started, made *time.Time
		begun         *time.Time
		want          string
	}{
		"in time":              {24 * time.Hour, ago(100), ago(23), nil, ""},
		"due, and not late":    {24 * time.Hour, ago(100), ago(24.5), nil, ""},
		"late":                 {24 * time.Hour, ago(100), ago(25.5), nil, "the backup that was due at 2026-11-29T10:30:00Z is not made"},
		"never made":           {24 * time.Hour, ago(3), nil, nil, "the backup that was due at 2026-11-29T10:00:00Z is not made"},
		"the host was off":     {24 * time.Hour, ago(0.01), ago(100), nil, ""},
		"in the making":        {24 * time.Hour, ago(100), ago(30), ago(2), ""},
		"in the making, stuck": {24 * time.Hour, ago(100), ago(60), ago(25), "the backup that was begun at 2026-11-28T11:00:00Z is not finished"},
		"no backups":           {0, ago(100), nil, nil, ""},
		"not started yet":      {24 * time.Hour, nil, nil, nil, ""},
	} {
		s := &Schedule{folder: t.TempDir(), instance: "prod", every: c.every, kept: 7}
		if c.made != nil {
			file := filepath.Join(s.folder, "prod-"+c.made.Format(stamp)+".zip")
			if err := os.WriteFile(file, nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		s.started.Store(c.started)
		s.begun.Store(c.begun)
		if got := s.Late(now); got != c.want || strings.Contains(got, "\n") {
			t.Errorf("%s: got %q, not %q", name, got, c.want)
		}
	}
}
