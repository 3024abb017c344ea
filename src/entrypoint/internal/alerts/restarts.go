package alerts

import (
	"slices"
	"time"
)

const (
	// loopEnds are as many restarts within loopWindow as are no accident any more, as in
	// src/dagnix/stack/crashes.py.
	loopEnds   = 3
	loopWindow = 10 * time.Minute
)

// start identifies a start of a service: the container, where that is known, and its process. Another
// container is no restart, but a deploy.
type start struct{ container, process string }

// restarts notes when services were started again.
type restarts map[string]*starts

type starts struct {
	last start
	at   []time.Time
}

// see takes the start of a service that is up now, and returns how often it was started again in the
// last minutes. The zero value stands for not known.
func (r restarts) see(service string, now start, at time.Time) int {
	known := r[service]
	if known == nil {
		known = &starts{}
		r[service] = known
	}
	if now != (start{}) {
		if known.last != (start{}) && now != known.last && now.container == known.last.container {
			known.at = append(known.at, at)
		}
		known.last = now
	}
	known.at = slices.DeleteFunc(known.at, func(each time.Time) bool { return at.Sub(each) > loopWindow })
	return len(known.at)
}
