package certificate

import (
	"fmt"
	"time"
)

// warnDays is how long before its end a certificate is warned of. One of the gate's own authority is
// renewed long before.
const warnDays = 14

// Says tells what a health check adds about the certificate that is shown. `./dagnix status` reads the
// end, and what stands after "; warning: ".
func Says(ends, now time.Time) string {
	says := "; its certificate ends " + ends.UTC().Format(time.RFC3339)
	switch left := ends.Sub(now); {
	case left <= 0:
		says += "; warning: the certificate has ended, and browsers refuse it: `./dagnix tls install` takes a renewed one"
	case left < warnDays*day:
		says += fmt.Sprintf("; warning: the certificate ends in %d days: `./dagnix tls install` takes a renewed one", int(left/day))
	}
	return says
}
