package alerts

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// lookLimit limits one look at everything.
	lookLimit = 20 * time.Second
	// pingEvery is how often the ping goes out, and pingOwed for how long alerts may be undelivered
	// until it stays out, so that somebody notices that.
	pingEvery, pingOwed = time.Minute, 15 * time.Minute
	// stalled is how old the last look may be until the watcher does not count as healthy.
	stalled = 3 * time.Minute
)

// Watcher looks at an instance again and again.
type Watcher struct {
	settings    Settings
	log         io.Writer
	now         func() time.Time
	conditions  Conditions
	runs        Runs
	restarts    restarts
	definitions definitions
	outbox      *Outbox
	store       store
	// db is open during a look, if Postgres answers. low are the disks that the service backup told of.
	db  *sql.DB
	low map[string]string
	// said is what was logged of each source and channel, so that it is logged once.
	said   map[string]string
	pinged time.Time
}

// NewWatcher returns one that goes on where the one before it ended.
func NewWatcher(settings Settings, log io.Writer) *Watcher {
	w := &Watcher{
		settings: settings, log: log, now: time.Now,
		restarts: restarts{}, definitions: definitions{}, said: map[string]string{},
		store: store{path: filepath.Join(settings.State, "state.json")},
	}
	before := w.store.read()
	w.runs = before.Runs
	w.conditions = Conditions{After: settings.After, Again: settings.Again, ByKey: before.Conditions}
	w.outbox = NewOutbox(before.Letters, log)
	return w
}

// Follow watches until the context ends.
func (w *Watcher) Follow(ctx context.Context) {
	if err := os.MkdirAll(w.settings.State, 0o700); err != nil {
		fmt.Fprintf(w.log, "runtime: alerts are told again after a restart: %v\n", err)
	}
	channels, _ := Channels()
	fmt.Fprintf(w.log, "runtime: watching %s; alerts go to %s\n", w.settings.Instance, shown(channels))
	delivering := make(chan struct{}, 1)
	for {
		w.Look(ctx)
		channels, wrong := Channels()
		for _, err := range wrong {
			w.once(err.Error(), err)
		}
		// A channel that hangs must not hold up the next look.
		select {
		case delivering <- struct{}{}:
			go func() {
				defer func() { <-delivering }()
				w.outbox.Deliver(ctx, channels)
			}()
		default:
		}
		w.ping(ctx)
		if err := w.store.write(state{w.runs, w.conditions.ByKey, w.outbox.Letters()}); err != nil {
			w.once("state", err)
		}
		w.note(channels, wrong)
		select {
		case <-ctx.Done():
			return
		case <-time.After(w.settings.Look):
		}
	}
}

// Look looks at everything once, and puts what is to be told into the outbox.
func (w *Watcher) Look(ending context.Context) {
	ctx, cancel := context.WithTimeout(ending, lookLimit)
	defer cancel()
	defer func() {
		if w.db != nil {
			w.db.Close()
			w.db = nil
		}
	}()
	for _, each := range w.sources() {
		findings, err := each.look(ctx)
		if ending.Err() != nil {
			return // what has not answered because this process ends is not down
		}
		w.once(each.name, err)
		if err != nil {
			continue
		}
		for _, alert := range w.conditions.Update(each.name, findings, w.now()) {
			w.tell(alert)
		}
	}
	w.once("runs", w.lookAtRuns(ctx))
}

func (w *Watcher) lookAtRuns(ctx context.Context) error {
	db, err := w.tables()
	if err != nil {
		return err
	}
	now := w.now()
	found, err := runsEnded(ctx, db, w.runs.Since(now))
	if err != nil {
		return known(err)
	}
	waited, err := runsOf(ctx, db, slices.Collect(maps.Keys(w.runs.Waiting)))
	if err != nil {
		return err
	}
	w.runs.Take(found, waited, now)
	for _, told := range w.runs.Due(now, w.settings.After) {
		alert := told.Alert
		if told.RunID != "" {
			if why, err := whyFailed(ctx, db, told.RunID); err == nil && why != "" {
				alert.Text += "\n" + why
			}
			if w.settings.Link != "" {
				alert.Link = w.settings.Link + "/runs/" + told.RunID
			}
		}
		w.tell(alert)
	}
	return nil
}

// tell logs an alert, and gives it to all channels.
func (w *Watcher) tell(alert Alert) {
	if slices.Contains(w.settings.Off, alert.Kind) {
		return
	}
	alert.Instance = w.settings.Instance
	alert.Since, alert.Time = alert.Since.UTC().Truncate(time.Second), alert.Time.UTC().Truncate(time.Second)
	if alert.Link == "" {
		alert.Link = w.settings.Link
	}
	fmt.Fprintf(w.log, "runtime: alert: %s: %s\n", alert.State, oneLine(alert.Title+". "+alert.Text, 500))
	channels, _ := Channels()
	w.outbox.Add(alert, slices.Sorted(maps.Keys(channels)))
}

// once logs an error of something when it is another than the last one of it.
func (w *Watcher) once(what string, err error) {
	text := ""
	if err != nil && !errors.Is(err, errUnknown) {
		text = oneLine(err.Error(), 300)
	}
	if text != "" && w.said[what] != text {
		fmt.Fprintf(w.log, "runtime: %s cannot be looked at: %s\n", what, text)
	}
	w.said[what] = text
}

// ping asks for the address of the file ping, so that whoever waits for that notices when it stays out.
func (w *Watcher) ping(ctx context.Context) {
	if w.now().Sub(w.pinged) < pingEvery {
		return
	}
	text, err := read(pingName)
	if text == "" && err == nil {
		return
	}
	if since, _ := w.outbox.Owed(); !since.IsZero() && w.now().Sub(since) > pingOwed {
		return
	}
	w.pinged = w.now()
	if err == nil {
		err = sendPing(ctx, text)
	}
	if text := fmt.Sprint(err); err != nil && w.said[pingName] != text {
		fmt.Fprintf(w.log, "runtime: the ping cannot be sent, and is tried again: %s\n", text)
		w.said[pingName] = text
	} else if err == nil {
		delete(w.said, pingName)
	}
}

func sendPing(ctx context.Context, text string) error {
	address, err := parseAddress(text)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return errors.New("the address cannot be used")
	}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("%s does not answer: %w", address.Hostname(), withoutAddress(err))
	}
	response.Body.Close()
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return fmt.Errorf("%s answers with HTTP status %s", address.Hostname(), response.Status)
	}
	return nil
}

// noted is what the health check reads.
type noted struct {
	Looked   time.Time
	Channels string
	Problem  string
}

func notedPath() string { return filepath.Join(os.TempDir(), "alerts.json") }

func (w *Watcher) note(channels map[string]Channel, wrong []error) {
	now := noted{Looked: w.now(), Channels: shown(channels)}
	if len(wrong) > 0 {
		now.Problem = errors.Join(wrong...).Error()
	}
	if since, why := w.outbox.Owed(); !since.IsZero() && w.now().Sub(since) > pingOwed {
		now.Problem = fmt.Sprintf("alerts cannot be delivered since %s: %s", since.UTC().Format(time.RFC3339), why)
	}
	text, err := json.Marshal(now)
	if err == nil {
		err = os.WriteFile(notedPath(), text, 0o600)
	}
	if err != nil {
		w.once("health", err)
	}
}

// Check returns how the watcher of this container is.
func Check(now time.Time) (string, error) {
	text, err := os.ReadFile(notedPath())
	if err != nil {
		return "", errors.New("the watcher has not looked yet: it is still starting, or has ended")
	}
	var found noted
	if err := json.Unmarshal(text, &found); err != nil {
		return "", errors.New("the watcher writes its first look")
	}
	if age := now.Sub(found.Looked); age > stalled {
		return "", fmt.Errorf("the last look was %s ago: the watcher hangs", age.Round(time.Second))
	}
	if found.Problem != "" {
		return "", errors.New(found.Problem)
	}
	return "watches the instance; alerts go to " + found.Channels, nil
}

// shown names channels for people.
func shown(channels map[string]Channel) string {
	if len(channels) == 0 {
		return "nobody but this log: `./dagnix alerts set` names a channel"
	}
	return strings.Join(slices.Sorted(maps.Keys(channels)), ", ")
}

// Test sends a test alert to each channel and returns a line for each; the error says that one failed.
func Test(ctx context.Context, instance string) (string, error) {
	channels, wrong := Channels()
	var lines []string
	for _, err := range wrong {
		lines = append(lines, err.Error())
	}
	now := time.Now().UTC().Truncate(time.Second)
	for _, name := range slices.Sorted(maps.Keys(channels)) {
		within, cancel := context.WithTimeout(ctx, attempt)
		alert := Alert{
			Instance: instance, Kind: KindTest, Subject: "test", State: Well, Since: now, Time: now,
			Title: "This is a test", Text: "Alerts of this instance arrive here.",
		}
		err := channels[name].Send(within, alert)
		cancel()
		if err != nil {
			wrong = append(wrong, err)
			lines = append(lines, fmt.Sprintf("%s: %v", name, err))
		} else {
			lines = append(lines, name+": sent")
		}
	}
	if text, err := read(pingName); text != "" || err != nil {
		if err == nil {
			err = sendPing(ctx, text)
		}
		if err != nil {
			wrong = append(wrong, err)
			lines = append(lines, fmt.Sprintf("ping: %v", err))
		} else {
			lines = append(lines, "ping: sent")
		}
	}
	if len(lines) == 0 {
		return "", errors.New("no channel is named: ./dagnix alerts set names one")
	}
	said := strings.Join(lines, "\n")
	if len(wrong) > 0 {
		return said, errors.New("not every channel took the test alert")
	}
	return said, nil
}
