package alerts

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	firstPause, longestPause = 10 * time.Second, 15 * time.Minute
	// keep is how long an alert is tried that cannot be delivered: after that it helps nobody.
	keep = 72 * time.Hour
	// most are as many as a channel may owe; the oldest go first.
	most = 500
	// attempt limits one delivery.
	attempt = 30 * time.Second
)

// Letter is an alert that a channel still has to deliver.
type Letter struct {
	Channel string
	Alert   Alert
}

// Outbox has what is not delivered yet. Each channel delivers in order; one that fails pauses, for
// longer each time, and does not hold up the others.
type Outbox struct {
	mutex   sync.Mutex
	letters []Letter
	paused  map[string]pause
	log     io.Writer
	// now is the clock.
	now func() time.Time
}

type pause struct {
	until  time.Time
	length time.Duration
	// since is when the first of the failures was, and why is the last of them.
	since time.Time
	why   string
}

// NewOutbox returns one with letters from before.
func NewOutbox(letters []Letter, log io.Writer) *Outbox {
	return &Outbox{letters: letters, paused: map[string]pause{}, log: log, now: time.Now}
}

// Add gives an alert to each of these channels.
func (o *Outbox) Add(alert Alert, channels []string) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	for _, channel := range channels {
		if o.count(channel) >= most {
			o.drop(channel)
			fmt.Fprintf(o.log, "runtime: %d alerts wait for %s: the oldest is given up\n", most, channel)
		}
		o.letters = append(o.letters, Letter{channel, alert})
	}
}

// Letters are those that are not delivered.
func (o *Outbox) Letters() []Letter {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return append([]Letter{}, o.letters...)
}

// Owed tells since when a channel cannot deliver, and why; the zero time if all can.
func (o *Outbox) Owed() (since time.Time, why string) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	for channel, paused := range o.paused {
		if o.count(channel) > 0 && (since.IsZero() || paused.since.Before(since)) {
			since, why = paused.since, channel+": "+paused.why
		}
	}
	return since, why
}

// Deliver sends what is due, each channel's letters at the same time as the others'; those of channels
// that are not there any more are dropped.
func (o *Outbox) Deliver(ctx context.Context, channels map[string]Channel) {
	o.mutex.Lock()
	due := map[string]bool{}
	left := o.letters[:0]
	for _, letter := range o.letters {
		if channels[letter.Channel] == nil {
			continue
		}
		left = append(left, letter)
		due[letter.Channel] = !o.paused[letter.Channel].until.After(o.now())
	}
	o.letters = left
	o.mutex.Unlock()
	var all sync.WaitGroup
	for name, isDue := range due {
		if isDue {
			all.Add(1)
			go func() {
				defer all.Done()
				o.deliver(ctx, name, channels[name])
			}()
		}
	}
	all.Wait()
}

func (o *Outbox) deliver(ctx context.Context, name string, channel Channel) {
	for ctx.Err() == nil {
		letter, found := o.first(name)
		if !found {
			return
		}
		within, cancel := context.WithTimeout(ctx, attempt)
		err := channel.Send(within, letter.Alert)
		cancel()
		if ctx.Err() != nil {
			return
		}
		if !o.note(name, letter, err) {
			return
		}
	}
}

// note takes how a delivery went, and tells whether the channel is to go on.
func (o *Outbox) note(name string, letter Letter, err error) bool {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if err == nil {
		if o.paused[name].length > 0 {
			fmt.Fprintf(o.log, "runtime: alerts are delivered to %s again\n", name)
		}
		delete(o.paused, name)
		o.drop(name)
		return true
	}
	now, paused := o.now(), o.paused[name]
	if now.Sub(letter.Alert.Time) >= keep {
		fmt.Fprintf(o.log, "runtime: an alert could not be delivered to %s for %.0f hours, and is given up: %s\n", name, keep.Hours(), letter.Alert.Title)
		o.drop(name)
		return true
	}
	if paused.since.IsZero() {
		paused.since = now
	}
	paused.length = min(max(2*paused.length, firstPause), longestPause)
	paused.until, paused.why = now.Add(paused.length), oneLine(err.Error(), 300)
	o.paused[name] = paused
	fmt.Fprintf(o.log, "runtime: an alert cannot be delivered to %s, and is tried again in %s: %s\n", name, paused.length, paused.why)
	return false
}

func (o *Outbox) first(channel string) (Letter, bool) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	for _, letter := range o.letters {
		if letter.Channel == channel {
			return letter, true
		}
	}
	return Letter{}, false
}

// drop removes the first letter of a channel.
func (o *Outbox) drop(channel string) {
	for at, letter := range o.letters {
		if letter.Channel == channel {
			o.letters = append(o.letters[:at], o.letters[at+1:]...)
			return
		}
	}
}

func (o *Outbox) count(channel string) int {
	found := 0
	for _, letter := range o.letters {
		if letter.Channel == channel {
			found++
		}
	}
	return found
}
