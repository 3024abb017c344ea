package account

import (
	"sync"
	"time"
)

const (
	free      = 5           // attempts that are not slowed
	firstWait = time.Second // after these; doubled by each further one
	maxWait   = time.Minute // so that nobody is kept out for good by someone who guesses
	forget    = time.Hour
	maxKept   = 10_000
)

type attempts struct {
	count int
	last  time.Time
}

// Throttle slows down who guesses.
type Throttle struct {
	Now   func() time.Time
	mutex sync.Mutex
	kept  map[string]attempts
}

// NewThrottle returns one that has seen nothing.
func NewThrottle() *Throttle {
	return &Throttle{Now: time.Now, kept: make(map[string]attempts)}
}

// Begin counts an attempt for each key, of the user say and of the address. If it returns a time, this
// has to pass before there may be one, and none was counted.
func (t *Throttle) Begin(keys ...string) time.Duration {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	now := t.Now()
	var longest time.Duration
	for _, key := range keys {
		if left := t.kept[key].wait() - now.Sub(t.kept[key].last); left > longest {
			longest = left
		}
	}
	if longest > 0 {
		return longest
	}
	if len(t.kept) > maxKept {
		for key := range t.kept { // in no order
			if delete(t.kept, key); len(t.kept) <= maxKept/2 {
				break
			}
		}
	}
	for _, key := range keys {
		each := t.kept[key]
		if now.Sub(each.last) > forget {
			each.count = 0
		}
		t.kept[key] = attempts{each.count + 1, now}
	}
	return 0
}

// Succeed takes back the last attempt of these keys. Those before it count on: else who has a login of
// their own could go on guessing with that in between.
func (t *Throttle) Succeed(keys ...string) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	for _, key := range keys {
		if each := t.kept[key]; each.count > 1 {
			t.kept[key] = attempts{each.count - 1, each.last}
		} else {
			delete(t.kept, key)
		}
	}
}

func (a attempts) wait() time.Duration {
	if a.count < free {
		return 0
	}
	wait := firstWait << min(a.count-free, 10)
	return min(wait, maxWait)
}
