package alerts

import (
	"bufio"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"dagnix/runtime/internal/runserver"
)

func TestAQueueThatStandsIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		runs          int
		oldest, limit time.Duration
		text          string
	}{
		"it stands":   {3, 90 * time.Minute, time.Hour, "3 runs are in the queue, the oldest for 1h30m0s."},
		"it moves":    {3, 59 * time.Minute, time.Hour, ""},
		"it is empty": {0, 90 * time.Minute, time.Hour, ""},
		"no limit":    {3, 90 * time.Minute, 0, ""},
	} {
		found := waiting(c.runs, c.oldest, c.limit)
		if c.text == "" && len(found) > 0 || c.text != "" && (len(found) != 1 || found[0].Text != c.text || found[0].Kind != KindQueue) {
			t.Errorf("%s: %v", name, found)
		}
	}
}

// serve is a run server of the location `pipes` that answers each request with a line.
func serve(t *testing.T, line string) {
	t.Helper()
	folder := filepath.Join(runserver.Folder(), "pipes")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", filepath.Join(folder, "run-host-1.sock"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	if err := os.Symlink("run-host-1.sock", filepath.Join(folder, "run.sock")); err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			asked, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = bufio.NewReader(asked).ReadBytes('\n')
			_, _ = io.WriteString(asked, line+"\n")
			asked.Close()
		}
	}()
}

func TestCodeThatDoesNotLoadIsTold(t *testing.T) {
	for name, c := range map[string]struct{ answer, kind, title string }{
		"it loads":      {`{"host": "host", "code": {"ready": true}}`, "", ""},
		"never loaded":  {`{"host": "host", "code": {"ready": true, "lazy": true, "error": "no module x"}}`, KindLocation, "The code location pipes does not load"},
		"not yet ready": {`{"host": "host", "code": {"error": "no module x"}}`, KindLocation, "The code location pipes does not load"},
		"refused":       {`{"host": "host", "code": {"ready": true, "error": "no module x"}}`, KindDeploy, "New code of pipes was refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("DAGNIX_SOCKETS", t.TempDir())
			serve(t, c.answer)
			found := NewWatcher(Settings{State: t.TempDir()}, io.Discard).location(t.Context(), "pipes")
			if c.kind == "" {
				if len(found) > 0 {
					t.Errorf("told %v", found)
				}
				return
			}
			if len(found) != 1 || found[0].Kind != c.kind || found[0].Title != c.title {
				t.Errorf("told %v", found)
			}
		})
	}
}

func TestALocationThatIsDownIsTold(t *testing.T) {
	t.Setenv("DAGNIX_SOCKETS", t.TempDir())
	found := NewWatcher(Settings{State: t.TempDir()}, io.Discard).location(t.Context(), "pipes")
	if len(found) != 1 || found[0].Kind != KindService || found[0].Subject != "pipes" {
		t.Errorf("told %v", found)
	}
}
