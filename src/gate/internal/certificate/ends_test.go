package certificate

import (
	"strings"
	"testing"
	"time"
)

func TestACertificateIsWarnedOfBeforeItEnds(t *testing.T) {
	ends := time.Date(2027, 3, 1, 12, 0, 0, 0, time.FixedZone("", 3600))
	for _, each := range []struct {
		left time.Duration
		says string
	}{
		{renewDays * day, ""},
		{warnDays * day, ""},
		{3*day + time.Hour, "ends in 3 days"},
		{-time.Second, "has ended"},
	} {
		said := Says(ends, ends.Add(-each.left))
		if !strings.HasPrefix(said, "; its certificate ends 2027-03-01T11:00:00Z") {
			t.Error(said)
		}
		_, warning, warned := strings.Cut(said, "; warning: ")
		if warned != (each.says != "") || !strings.Contains(warning, each.says) {
			t.Error(each.left, said)
		}
	}
}
