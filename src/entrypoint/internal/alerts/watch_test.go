package alerts

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dagnix/runtime/internal/health"
	"dagnix/runtime/internal/report"
	"dagnix/runtime/internal/runserver"
)

// buffer is a log that is written and read at the same time.
type buffer struct {
	mutex sync.Mutex
	bytes.Buffer
}

func (b *buffer) Write(text []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.Buffer.Write(text)
}

func (b *buffer) said() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.String()
}

// instance is one with a gate and a backup that say how they are, and nothing else.
func instance(t *testing.T) (Settings, *atomic.Value) {
	t.Helper()
	secrets(t)
	t.Setenv("TMPDIR", t.TempDir())
	t.Setenv("DAGNIX_SOCKETS", t.TempDir())
	for _, each := range []string{"gate", "backup"} {
		if err := os.Mkdir(filepath.Join(runserver.Folder(), each), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	said := &atomic.Value{}
	said.Store(health.BackupReport{})
	say := func(context.Context) any { return said.Load() }
	if err := report.Listen(t.Context(), health.BackupSocket(), say); err != nil {
		t.Fatal(err)
	}
	well := func(context.Context) any { return map[string]string{"problem": ""} }
	if err := report.Listen(t.Context(), filepath.Join(runserver.Folder(), "gate", "report.sock"), well); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DAGSTER_PG_HOST", runserver.Folder()) // nothing listens there
	return Settings{Instance: "prod", Look: 10 * time.Millisecond, Backups: true, State: t.TempDir()}, said
}

func TestWhatIsDownIsTold(t *testing.T) {
	settings, said := instance(t)
	s := newSink(t)
	name(t, "webhook", s.URL)
	said.Store(health.BackupReport{Problem: "the disk is full", Low: map[string]string{"backups": "1.0 MiB of 9.0 GiB are free"}})
	log := &buffer{}
	watcher := NewWatcher(settings, log)
	watcher.Look(t.Context())
	channels, _ := Channels()
	watcher.outbox.Deliver(t.Context(), channels)
	close(s.got)
	titles := []string{}
	for got := range s.got {
		var alert Alert
		_, body, _ := strings.Cut(got, "{")
		if err := json.Unmarshal([]byte("{"+body), &alert); err != nil || alert.Instance != "prod" {
			t.Fatal(err, got)
		}
		titles = append(titles, alert.Title)
	}
	slices.Sort(titles)
	want := []string{"A disk is almost full: that of backups", "The service postgres is down", "The service webserver is down", "There is no backup in time"}
	if !slices.Equal(titles, want) {
		t.Errorf("told %q; said %s", titles, log.said())
	}
	if !strings.Contains(log.said(), "alert: failing: The service postgres is down. Postgres does not answer at") {
		t.Errorf("said %s", log.said())
	}
}

func TestWhatIsAskedWhenTheWatcherEndsIsNotDown(t *testing.T) {
	settings, _ := instance(t)
	log := &buffer{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	watcher := NewWatcher(settings, log)
	watcher.Look(ctx)
	if said := log.said(); said != "" || len(watcher.conditions.ByKey) > 0 {
		t.Errorf("said %s, noted %v", said, watcher.conditions.ByKey)
	}
}

func TestWhatWasToldIsKnownAfterARestart(t *testing.T) {
	settings, said := instance(t)
	log := &buffer{}
	watch := func(until string) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			NewWatcher(settings, log).Follow(ctx)
			close(done)
		}()
		for deadline := time.Now().Add(2 * time.Minute); !strings.Contains(log.said(), until); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%q was not said, but %s", until, log.said())
			}
		}
		time.Sleep(50 * time.Millisecond)
		cancel()
		<-done
	}
	said.Store(health.BackupReport{Problem: "the disk is full"})
	watch("alert: failing: There is no backup in time")
	said.Store(health.BackupReport{})
	watch("alert: well: Backups are made again")
	for _, each := range []string{"failing: The service postgres is down", "failing: There is no backup in time", "well: Backups"} {
		if strings.Count(log.said(), each) != 1 {
			t.Errorf("%q is not said once, in %s", each, log.said())
		}
	}
	if well, err := Check(time.Now()); err != nil || !strings.HasPrefix(well, "watches the instance; alerts go to nobody but this log") {
		t.Errorf("got %q, %v", well, err)
	}
	if _, err := Check(time.Now().Add(time.Hour)); err == nil || !strings.Contains(err.Error(), "the watcher hangs") {
		t.Errorf("got %v", err)
	}
}

func TestThePingStaysOutWhenAlertsAreNotDelivered(t *testing.T) {
	settings, _ := instance(t)
	pings, hooks := newSink(t), newSink(t)
	name(t, "ping", pings.URL+"/beat")
	name(t, "webhook", hooks.URL)
	hooks.status.Store(500)
	watcher := NewWatcher(settings, &buffer{})
	now := time.Now()
	watcher.now = func() time.Time { return now }
	watcher.outbox.now = watcher.now
	watcher.outbox.Add(Alert{Time: now}, []string{"webhook"})
	channels, _ := Channels()
	for range 40 { // minutes
		watcher.outbox.Deliver(t.Context(), channels)
		watcher.ping(t.Context())
		now = now.Add(time.Minute)
	}
	if got := len(pings.got); got != 16 {
		t.Errorf("%d pings", got)
	}
	if got := <-pings.got; got != "GET /beat " {
		t.Errorf("got %q", got)
	}
	hooks.status.Store(200)
	watcher.outbox.Deliver(t.Context(), channels)
	now = now.Add(time.Hour)
	watcher.outbox.Deliver(t.Context(), channels)
	watcher.ping(t.Context())
	if got := len(pings.got); got != 16 {
		t.Errorf("%d pings after that", got)
	}
}

func TestNotices(t *testing.T) {
	t.Setenv("DAGNIX_SOCKETS", t.TempDir())
	if found, err := readNotices(); err != nil || len(found) > 0 {
		t.Errorf("got %v, %v", found, err)
	}
	if err := os.Mkdir(Notices(), 0o755); err != nil {
		t.Fatal(err)
	}
	text := `{"kind": "updates", "subject": "security", "title": "3 updates wait", "well": "No update waits", "text": "libc6"}`
	for file, text := range map[string]string{"updates-security.json": text, ".updates-other.json": "{"} {
		if err := os.WriteFile(filepath.Join(Notices(), file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	found, err := readNotices()
	if want := (Finding{"updates", "security", "3 updates wait", "No update waits", "libc6"}); err != nil || len(found) != 1 || found[0] != want {
		t.Errorf("got %v, %v", found, err)
	}
}

func TestSettings(t *testing.T) {
	t.Setenv("DAGNIX_ALERT_OFF", "tick, queue")
	t.Setenv("DAGNIX_ALERT_AFTER_SECONDS", "1.5")
	got, err := SettingsFromEnvironment()
	if err != nil || !slices.Equal(got.Off, []string{"tick", "queue"}) || got.After != 1500*time.Millisecond || got.Queue != time.Hour {
		t.Errorf("got %+v, %v", got, err)
	}
	log := &buffer{}
	secrets(t)
	watcher := NewWatcher(Settings{Off: got.Off, State: t.TempDir()}, log)
	watcher.tell(Alert{Kind: KindTick, Title: "no"})
	watcher.tell(Alert{Kind: KindRun, Title: "yes"})
	if said := log.said(); strings.Contains(said, "no") || !strings.Contains(said, "yes") {
		t.Errorf("said %s", said)
	}
	for variable, value := range map[string]string{"DAGNIX_ALERT_OFF": "tick,noise", "DAGNIX_ALERT_QUEUE_MINUTES": "soon", "DAGNIX_ALERT_LOOK_SECONDS": "0"} {
		t.Setenv(variable, value)
		if _, err := SettingsFromEnvironment(); err == nil || !strings.HasPrefix(err.Error(), variable+" ") {
			t.Errorf("%s=%s: %v", variable, value, err)
		}
		t.Setenv(variable, "")
	}
}
