package proxy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"dagnix/gate/internal/audit"
)

func users() map[string]string {
	entries := make([]string, 0, 3)
	for _, name := range []string{"viewer", "operator", "admin"} {
		entries = append(entries, fmt.Sprintf(`"%s": {"role": "%s", "password": "%s"}`, name, name, hash))
	}
	return map[string]string{"users.json": "{" + strings.Join(entries, ",") + "}", "session-key": key}
}

// logIn returns the cookie of a session.
func (w *world) logIn(name, password string) (int, map[string]string) {
	w.Helper()
	status, header, _ := w.send(request{
		method: "POST", path: "/gate/login",
		body:    url.Values{"user": {name}, "password": {password}, "next": {"/runs"}}.Encode(),
		headers: map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
	})
	cookie, _, _ := strings.Cut(header.Get("Set-Cookie"), ";")
	return status, map[string]string{"Cookie": cookie}
}

func TestNobodyComesInWithoutALogin(t *testing.T) {
	w := build(t, nil, users())
	if status, header, _ := w.send(request{method: "GET", path: "/runs?a=b", headers: map[string]string{"Accept": "text/html"}}); status != 303 || header.Get("Location") != "/gate/login?next=%2Fruns%3Fa%3Db" {
		t.Error(status, header)
	}
	for _, path := range []string{"/runs", "/server_info", "/logs/a", "/graphql?query=%7Bversion%7D", "/download_debug/a"} {
		if status, _, _ := w.send(request{method: "GET", path: path}); status != 401 {
			t.Errorf("%s: %d", path, status)
		}
	}
	for name, headers := range map[string]map[string]string{
		"a made-up cookie": {"Cookie": "dagnix-00000000=x"}, "a made-up token": {"Authorization": "Bearer x"}, "no token": {"Authorization": "Bearer "},
	} {
		if status := w.post(query, headers); status != 401 {
			t.Errorf("%s: %d", name, status)
		}
	}
	if _, response, err := dial(w, nil); err == nil || response.StatusCode != 401 {
		t.Error("a WebSocket needs no login")
	}
	if len(w.asked) > 0 {
		t.Error(w.asked)
	}
}

func TestRoles(t *testing.T) {
	w := build(t, nil, users())
	allowed := map[string][4]int{ // query, launch, delete, a mutation that the table does not have
		"viewer": {200, 403, 403, 403}, "operator": {200, 200, 403, 403}, "admin": {200, 200, 200, 200},
	}
	for name, want := range allowed {
		status, cookie := w.logIn(name, password)
		if status != 303 {
			t.Fatalf("%s: %d", name, status)
		}
		for place, body := range []string{query, launch, delete, unknown} {
			if got := w.post(body, cookie); got != want[place] {
				t.Errorf("%s, %s: %d, not %d", name, body, got, want[place])
			}
		}
		if got := w.post("["+query+","+delete+"]", cookie); got != want[2] {
			t.Errorf("%s, a batch: %d", name, got)
		}
		report := request{method: "POST", path: "/report_asset_check/a", headers: cookie}
		if got, _, _ := w.send(report); got != want[1] {
			t.Errorf("%s, a report: %d", name, got)
		}
	}
}

func TestEachChangeLeavesALine(t *testing.T) {
	w := build(t, nil, users())
	_, cookie := w.logIn("viewer", password)
	w.post(query, cookie)
	w.post(launch, cookie)
	_, cookie = w.logIn("operator", password)
	w.post(launch, cookie)
	w.logIn("admin", "wrong")
	var found []audit.Entry
	for _, line := range strings.Split(strings.TrimSpace(w.log.String()), "\n") {
		var entry audit.Entry
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(line, err)
		}
		if _, err := time.Parse(time.RFC3339, entry.Time); err != nil {
			t.Error(entry.Time)
		}
		found = append(found, entry)
	}
	want := []string{
		"login viewer viewer  map[] false",
		"change viewer viewer launchRun map[runId:r1] true",
		"login operator operator  map[] false",
		"change operator operator launchRun map[runId:r1] false",
		"login admin   map[] true",
	}
	for place, each := range found {
		got := fmt.Sprintf("%s %s %s %s %v %v", each.Event, each.Who, each.Role, each.What, each.On, each.Refused != "")
		if place >= len(want) || got != want[place] || each.From != "127.0.0.1" {
			t.Errorf("%q, not %q", got, want[min(place, len(want)-1)])
		}
	}
	if len(found) != len(want) || strings.Contains(w.log.String(), password) {
		t.Error(w.log.String())
	}
}

func TestTheCookie(t *testing.T) {
	w := build(t, nil, users())
	_, header, _ := w.send(request{
		method: "POST", path: "/gate/login", body: url.Values{"user": {"admin"}, "password": {password}}.Encode(),
		headers: map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
	})
	cookie := header.Get("Set-Cookie")
	for _, part := range []string{"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=43200"} {
		if !strings.Contains(cookie, part) {
			t.Errorf("%s is not in %s", part, cookie)
		}
	}
	if strings.Contains(cookie, "admin") {
		t.Error("the cookie can be read")
	}
}

func TestASessionEnds(t *testing.T) {
	cases := map[string]func(w *world, cookie map[string]string){
		"by a logout": func(w *world, cookie map[string]string) {
			w.send(request{method: "POST", path: "/gate/logout", headers: cookie})
		},
		"with the user": func(w *world, _ map[string]string) {
			w.write("users.json", strings.Replace(users()["users.json"], `"viewer"`, `"other"`, 1))
		},
		"with the password": func(w *world, _ map[string]string) {
			w.write("users.json", strings.ReplaceAll(users()["users.json"], "$scrypt$ln=4", "$scrypt$ln=5"))
		},
		"with the key": func(w *world, _ map[string]string) { w.write("session-key", key+"x") },
	}
	for name, end := range cases {
		w := build(t, nil, users())
		_, cookie := w.logIn("viewer", password)
		if status := w.post(query, cookie); status != 200 {
			t.Fatal(status)
		}
		end(w, cookie)
		if status := w.post(query, cookie); status != 401 {
			t.Errorf("a session does not end %s: %d", name, status)
		}
	}
}

func TestARoleCountsAsItIsNow(t *testing.T) {
	w := build(t, nil, users())
	_, cookie := w.logIn("operator", password)
	w.write("users.json", strings.Replace(users()["users.json"], `"role": "operator"`, `"role": "viewer"`, 1))
	if status := w.post(launch, cookie); status != 403 {
		t.Fatal("the role is the one from before:", status)
	}
}

func TestWhatCannotBeReadLetsNobodyIn(t *testing.T) {
	for _, broken := range []map[string]string{
		{"users.json": "{"},
		{"users.json": users()["users.json"]},
		{"users.json": users()["users.json"], "session-key": "short"},
		{"users.json": `{"a": {"role": "root", "password": "x"}}`, "session-key": key},
	} {
		w := build(t, nil, broken)
		if status := w.post(query, nil); status != 503 || len(w.asked) > 0 {
			t.Errorf("%v: %d", broken, status)
		}
	}
}

func TestGuessingIsSlowed(t *testing.T) {
	w := build(t, nil, users())
	now := time.Now() // and for as long as it takes
	w.gate.Config.Handler.(*Gate).throttle.Now = func() time.Time { return now }
	statuses := make(map[int]int)
	for range 8 {
		status, _ := w.logIn("admin", "guess")
		statuses[status]++
	}
	if statuses[401] != 5 || statuses[429] != 3 {
		t.Error(statuses)
	}
	if status, _ := w.logIn("admin", password); status != 429 {
		t.Error("the right password is told from a wrong one meanwhile")
	}
}

func TestTheCommandLinesToken(t *testing.T) {
	files := users()
	files["token-sha256"] = "f9b8c2d0f2a6ab4d6d1e0d4f5a1f6c1e6dd3b6d8a0f7a1f1b7a0a4a6b9a3b0b2\n"
	w := build(t, nil, files)
	if status := w.post(delete, map[string]string{"Authorization": "Bearer token"}); status != 401 {
		t.Error(status)
	}
	// SHA-256 of "token".
	files["token-sha256"] = "3c469e9d6c5875d37a43f353d4f88e61fcf812c66eee3457465a40b0da4153e0\n"
	w = build(t, nil, files)
	if status := w.post(delete, map[string]string{"Authorization": "Bearer token"}); status != 200 {
		t.Error(status)
	}
}

func TestTheTokenOfTheMetricsReadsNothingElse(t *testing.T) {
	files := users()
	sum := sha256.Sum256([]byte("scrape"))
	files["metrics-token-sha256"] = hex.EncodeToString(sum[:])
	w := build(t, nil, files)
	token := map[string]string{"Authorization": "Bearer scrape"}
	for _, each := range []struct {
		method, path string
		headers      map[string]string
		status       int
	}{
		{"GET", "/metrics", token, 200},
		{"POST", "/metrics", token, 405},
		{"GET", "/metrics/", token, 401},
		{"GET", "/metrics", map[string]string{"Authorization": "Bearer another"}, 401},
		{"GET", "/metrics", map[string]string{"Authorization": "Basic scrape"}, 401},
		{"GET", "/metrics", nil, 401},
		{"GET", "/runs", token, 401},
		{"GET", "/graphql?query=%7Bversion%7D", token, 401},
	} {
		if status, _, _ := w.send(request{method: each.method, path: each.path, headers: each.headers}); status != each.status {
			t.Errorf("%s %s with %v: %d, not %d", each.method, each.path, each.headers, status, each.status)
		}
	}
	if status := w.post(query, token); status != 401 {
		t.Error("GraphQL:", status)
	}
	_, viewer := w.logIn("viewer", password)
	if status, _, _ := w.send(request{method: "GET", path: "/metrics", headers: viewer}); status != 200 {
		t.Error("a viewer:", status)
	}
}

func TestALoginLeadsNowhereElse(t *testing.T) {
	w := build(t, nil, users())
	for next, want := range map[string]string{
		"/runs?a=b": "/runs?a=b", "//evil.example": "/", "https://evil.example": "/", `/\evil.example`: "/", "": "/",
		"/gate/logout": "/", "/\t/evil.example": "/", "javascript:alert(1)": "/",
	} {
		_, header, _ := w.send(request{
			method: "POST", path: "/gate/login",
			body:    url.Values{"user": {"admin"}, "password": {password}, "next": {next}}.Encode(),
			headers: map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
		})
		if got := header.Get("Location"); got != want {
			t.Errorf("%q: %q, not %q", next, got, want)
		}
	}
}

func TestTheLoginPageIsSafe(t *testing.T) {
	w := build(t, nil, users())
	status, header, body := w.send(request{method: "GET", path: "/gate/login?next=/%22%3E%3Cscript%3E"})
	if status != http.StatusOK || strings.Contains(body, "<script>") || !strings.Contains(header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
		t.Error(status, header, body)
	}
	// A page of another site cannot log somebody in.
	status, _, _ = w.send(request{method: "POST", path: "/gate/login", headers: map[string]string{"Origin": "http://evil.example"}})
	if status != http.StatusForbidden {
		t.Error(status)
	}
}

func TestAWebSocketEndsWithTheSession(t *testing.T) {
	w := build(t, nil, users())
	_, cookie := w.logIn("viewer", password)
	link, _, err := dial(w, cookie)
	if err != nil {
		t.Fatal(err)
	}
	defer link.CloseNow()
	w.send(request{method: "POST", path: "/gate/logout", headers: cookie})
	ctx, cancel := context.WithTimeout(t.Context(), enough)
	defer cancel()
	_, _, err = link.Read(ctx)
	if websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
		t.Error(err)
	}
}
