package workspace

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func hosts(t *testing.T, w Workspace) []string {
	t.Helper()
	text, err := os.ReadFile(w.File())
	if err != nil {
		t.Fatal(err)
	}
	var all contents
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, each := range all.LoadFrom {
		found = append(found, each.Server.Location+"="+each.Server.Host)
	}
	slices.Sort(found)
	return found
}

func TestCodeServersFollowEachOther(t *testing.T) {
	w := Workspace(t.TempDir())
	up := map[string]bool{}
	at := func(host string) Server { return Server{Host: host, Port: 4000, Location: "pipes"} }
	gone := func(server Server) bool { return !up[server.Host] }
	claim := func(host string) func() error { return func() error { return w.Claim(at(host), gone) } }
	take := func(host string) func() error { return func() error { return w.Take(at(host)) } }
	for _, step := range []struct {
		name string
		up   string
		do   func() error
		want string
	}{
		{"nothing starts", "", w.Prepare, ""},
		{"the first one claims", "a", claim("a"), "a"},
		{"it starts again", "a", claim("a"), "a"},
		{"a second one waits", "a b", claim("b"), "a"},
		{"until it takes over", "a b", take("b"), "b"},
		{"the file stays as it is", "a b", w.Prepare, "b"},
		{"the first one starts again", "a b", claim("a"), "b"},
		{"after a reboot before the second", "a", claim("a"), "b"},
		{"the second one starts", "a b", claim("b"), "b"},
		{"it is replaced by hand", "c", claim("c"), "c"},
		{"the first one gets it back", "a c", take("a"), "a"},
		{"and keeps it", "a", claim("a"), "a"},
		{"the third one had it before", "c", claim("c"), "a"},
		{"the location is removed", "a", func() error { return w.Leave("pipes") }, ""},
		{"what served it lets it be", "a", claim("a"), ""},
		{"it is added again", "d", claim("d"), "d"},
	} {
		up = map[string]bool{}
		for _, host := range strings.Fields(step.up) {
			up[host] = true
		}
		if err := step.do(); err != nil {
			t.Fatal(step.name, err)
		}
		var want []string
		if step.want != "" {
			want = []string{"pipes=" + step.want}
		}
		if found := hosts(t, w); !slices.Equal(found, want) {
			t.Errorf("%s: %v, not %v", step.name, found, want)
		}
	}
}

func TestLocationsRegisterAtTheSameTime(t *testing.T) {
	w := Workspace(t.TempDir())
	const many = 20
	var all sync.WaitGroup
	var want []string
	for i := range many {
		own := Server{Host: fmt.Sprint(i), Port: 4000, Location: fmt.Sprintf("team%02d", i)}
		want = append(want, own.Location+"="+own.Host)
		all.Add(1)
		go func() {
			defer all.Done()
			if err := w.Claim(own, func(Server) bool { return false }); err != nil {
				t.Error(err)
			}
		}()
	}
	all.Wait()
	if found := hosts(t, w); !slices.Equal(found, want) {
		t.Errorf("%v", found)
	}
}

func TestAFileThatIsNotOurs(t *testing.T) {
	w := Workspace(t.TempDir())
	if err := os.WriteFile(w.File(), []byte("load_from: []\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	err := w.Take(Server{Host: "a", Port: 4000, Location: "pipes"})
	if err == nil || !strings.Contains(err.Error(), "is not what Dagnix wrote") {
		t.Error(err)
	}
}

func TestAHostThatIsGone(t *testing.T) {
	if Gone(t.Context(), "localhost") {
		t.Error("localhost is there")
	}
}

func TestAChangeWakesWhoWatches(t *testing.T) {
	w := Workspace(t.TempDir())
	changes, err := watch(string(w))
	if err != nil {
		t.Fatal(err)
	}
	defer changes.Close()
	expect := func(changed bool, limit time.Duration) {
		t.Helper()
		if was, err := changes.within(limit); err != nil || was != changed {
			t.Fatalf("changed: %v, %v", was, err)
		}
	}
	expect(false, time.Millisecond)
	for range 2 {
		if err := w.Take(Server{Location: "pipes", Host: "a", Port: 1}); err != nil {
			t.Fatal(err)
		}
	}
	expect(true, time.Minute)
	expect(false, time.Millisecond)
	changes.Close()
	if _, err := changes.within(time.Minute); err == nil {
		t.Error("who was closed still waits")
	}
	if _, err := watch(string(w) + "/none"); err == nil {
		t.Error("a folder that is not there is watched")
	}
}
