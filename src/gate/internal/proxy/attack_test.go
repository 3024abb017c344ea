package proxy

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"dagnix/gate/internal/settings"
)

// raw sends bytes as they are, and returns the status of each answer until the gate ends the connection,
// which it has to do.
func (w *world) raw(text string) []int {
	w.Helper()
	link, err := net.Dial("tcp", w.host)
	if err != nil {
		w.Fatal(err)
	}
	defer link.Close()
	_ = link.SetDeadline(time.Now().Add(enough))
	if _, err := io.WriteString(link, strings.ReplaceAll(text, "HOST", w.host)); err != nil {
		w.Fatal(err)
	}
	var statuses []int
	for reader := bufio.NewReader(link); ; {
		answer, err := http.ReadResponse(reader, nil)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			w.Fatalf("the gate does not end the connection: %.200s", text)
		}
		if err != nil {
			return statuses
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		statuses = append(statuses, answer.StatusCode)
	}
}

const smuggled = "GET /graphql?query=mutation%7BlaunchRun%7D HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n"

func TestNoRequestHidesInAnother(t *testing.T) {
	const json = "Content-Type: application/json\r\n"
	chunk := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(query), query)
	for name, text := range map[string]string{
		"pipelined":            "GET /runs HTTP/1.1\r\nHost: HOST\r\n\r\n" + smuggled,
		"after a body":         fmt.Sprintf("POST /graphql HTTP/1.1\r\nHost: HOST\r\n%sContent-Length: %d\r\n\r\n%s", json, len(query), query) + smuggled,
		"after chunks":         "POST /graphql HTTP/1.1\r\nHost: HOST\r\n" + json + "Transfer-Encoding: chunked\r\n\r\n" + chunk + smuggled,
		"length and chunks":    fmt.Sprintf("POST /graphql HTTP/1.1\r\nHost: HOST\r\n%sContent-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n", json, len(chunk)+len(smuggled)) + chunk + smuggled,
		"chunks in a length":   fmt.Sprintf("GET /runs HTTP/1.1\r\nHost: HOST\r\nContent-Length: %d\r\n\r\n", len(smuggled)) + smuggled + smuggled,
		"two lengths":          "POST /graphql HTTP/1.1\r\nHost: HOST\r\n" + json + "Content-Length: 0\r\nContent-Length: 20\r\n\r\n" + smuggled,
		"an odd encoding":      "POST /graphql HTTP/1.1\r\nHost: HOST\r\n" + json + "Transfer-Encoding: xchunked\r\n\r\n" + chunk + smuggled,
		"a space in the name":  "POST /graphql HTTP/1.1\r\nHost: HOST\r\n" + json + "Transfer-Encoding : chunked\r\n\r\n" + chunk + smuggled,
		"a folded line":        "GET /runs HTTP/1.1\r\nHost: HOST\r\nX: a\r\n b\r\n\r\n" + smuggled,
		"two hosts":            "GET /runs HTTP/1.1\r\nHost: HOST\r\nHost: evil.example\r\n\r\n" + smuggled,
		"a host in the line":   "GET http://evil.example/runs HTTP/1.1\r\nHost: HOST\r\n\r\n" + smuggled,
		"a line in the path":   "GET /runs%0d%0aX:%20y HTTP/1.1\r\nHost: HOST\r\n\r\n" + smuggled,
		"without a version":    "GET /graphql?query=mutation%7BlaunchRun%7D\r\n\r\n",
		"an old version":       "GET /graphql?query=mutation%7BlaunchRun%7D HTTP/1.0\r\nHost: HOST\r\n\r\n",
		"a bare line feed":     strings.ReplaceAll(smuggled, "\r\n", "\n"),
		"an upgrade elsewhere": "GET /graphql?query=mutation%7BlaunchRun%7D HTTP/1.1\r\nHost: HOST\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n\r\n" + smuggled,
		"a tunnel":             "CONNECT HOST HTTP/1.1\r\nHost: HOST\r\n\r\n" + smuggled,
		"everything":           "OPTIONS * HTTP/1.1\r\nHost: HOST\r\n\r\n" + smuggled,
	} {
		w := build(t, nil, nil)
		statuses := w.raw(text)
		for _, asked := range w.asked {
			if strings.Contains(asked, "launchRun") {
				t.Errorf("%s: the webserver is asked %q; %v", name, asked, statuses)
			}
		}
		if len(statuses) == 0 || statuses[len(statuses)-1] < 400 {
			t.Errorf("%s: %v", name, statuses)
		}
	}
}

func TestPathsAreReadAsTheWebserverReadsThem(t *testing.T) {
	mutation := "?query=" + url.QueryEscape("mutation{launchRun}")
	for path, want := range map[string]int{
		"/graphql/../graphql": 400, "/a/../graphql": 400, "/./graphql": 400, "/a/%2e%2e/graphql": 400, "/%2e/graphql": 400,
		`/a\..\graphql`: 400, "/a/%5c../graphql": 400, "/report_asset_check/../graphql": 400, "/graphql": 405, "/%67r%61phql": 405,
	} {
		w := build(t, nil, nil)
		if status, _, _ := w.send(request{method: "GET", path: strings.ReplaceAll(path, `\`, "%5c") + mutation}); status != want || len(w.asked) > 0 {
			t.Errorf("%s: %d, not %d: %v", path, status, want, w.asked)
		}
	}
	// Dagster answers these with its page, and executes nothing.
	for _, path := range []string{"//graphql", "/graphql/", "/graphql%00", "/GraphQL", "/graphql;a=b", "/graphql%3Fa", "/%2567raphql"} {
		w := build(t, nil, nil)
		w.send(request{method: "GET", path: path})
		if len(w.asked) != 1 || w.asked[0] != "GET "+path+" " {
			t.Errorf("%s: the webserver is asked %q", path, w.asked)
		}
		if status, _, _ := w.send(request{method: "POST", path: path, body: launch, headers: map[string]string{"Content-Type": "application/json"}}); status != 405 {
			t.Errorf("POST %s: %d", path, status)
		}
	}
}

func TestOneMutationInManyFormsIsNotForViewers(t *testing.T) {
	w := build(t, nil, users())
	_, cookie := w.logIn("viewer", password)
	for _, body := range []string{
		`{"query": "mutation{a: launchRun}"}`,
		`{"query": "mutation{...F} fragment F on Mutation {launchRun}"}`,
		`{"query": "mutation{... @include(if: true) {launchRun}}"}`,
		`{"query": "mutation @skip(if: true) {launchRun @skip(if: true)}"}`,
		`{"query": "query Q {version} mutation M {launchRun}", "operationName": "Q"}`,
		`{"query": "{version}", "query": "mutation{launchRun}"}`,
		`{"query": "mut\u0061tion{launchRun}"}`,
		`{"query": "# {version}\nmutation{launchRun}"}`,
		`[{"query": "{version}"}, {"query": "mutation{launchRun}"}]`,
		" \n[{\"query\": \"mutation{launchRun}\"}]",
	} {
		if status := w.post(body, cookie); status != 403 {
			t.Errorf("%s: %d", body, status)
		}
	}
	if len(w.asked) > 0 {
		t.Error(w.asked)
	}
}

func TestABodyDoesNotComeForEver(t *testing.T) {
	for _, files := range []map[string]string{nil, users()} { // without a login, and with one
		w := build(t, nil, files)
		w.gate.Config.Handler.(*Gate).patience = 200 * time.Millisecond
		for _, path := range []string{"/graphql", "/report_asset_check/a", "/gate/login", "/runs"} {
			w.raw("POST " + path + " HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{")
		}
		if len(w.asked) > 0 {
			t.Error(w.asked)
		}
	}
}

func TestABodyIsNotTooLong(t *testing.T) {
	w := build(t, nil, nil)
	long := `{"query": "{version}", "variables": {"a": "` + strings.Repeat("x", maxBody) + `"}}`
	if status := w.post(long, nil); status != 413 || len(w.asked) > 0 {
		t.Error(status)
	}
}

func TestWhereARequestComesFromIsWhatTheGateSees(t *testing.T) {
	w := build(t, nil, users())
	for _, name := range []string{"X-Forwarded-For", "X-Real-IP", "Forwarded", "True-Client-IP"} {
		w.send(request{
			method: "POST", path: "/gate/login", body: "user=admin&password=guess",
			headers: map[string]string{"Content-Type": "application/x-www-form-urlencoded", name: "192.0.2.9"},
		})
	}
	if said := w.log.String(); strings.Contains(said, "192.0.2.9") || strings.Count(said, `"from":"127.0.0.1"`) != 4 {
		t.Error(said)
	}
}

func TestALoginBeginsANewSession(t *testing.T) {
	w := build(t, nil, users())
	_, planted := w.logIn("viewer", password)
	_, header, _ := w.send(request{
		method: "POST", path: "/gate/login", body: url.Values{"user": {"admin"}, "password": {password}}.Encode(),
		headers: map[string]string{"Content-Type": "application/x-www-form-urlencoded", "Cookie": planted["Cookie"]},
	})
	if given := header.Get("Set-Cookie"); given == "" || strings.HasPrefix(given, planted["Cookie"]) {
		t.Error(given)
	}
	// The session that somebody else has planted is still that of a viewer.
	if status := w.post(delete, planted); status != 403 {
		t.Error(status)
	}
}

func TestOverTLSACookieIsForTLSAlone(t *testing.T) {
	w := build(t, func(s *settings.Settings) { s.TLS, s.Prefix = settings.Own, "/dagster" }, users())
	secure := httptest.NewTLSServer(w.gate.Config.Handler)
	defer secure.Close()
	client := secure.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec
	answer, err := client.PostForm(secure.URL+"/dagster/gate/login", url.Values{"user": {"admin"}, "password": {password}})
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	cookie := answer.Header.Get("Set-Cookie")
	for _, part := range []string{"__Secure-dagnix-", "; Secure", "HttpOnly", "SameSite=Lax", "Path=/dagster/"} {
		if !strings.Contains(cookie, part) {
			t.Errorf("%s is not in %s", part, cookie)
		}
	}
}

func TestNobodyWritesLinesIntoTheAudit(t *testing.T) {
	said := new(bytes.Buffer)
	log.SetOutput(said)
	defer log.SetOutput(io.Discard)
	w := behind(t, provider(t), nil)
	forged := "\n" + `{"event":"change","who":"admin","what":"deleteRun"}`
	_, header, _ := w.send(request{method: "GET", path: "/dagster/gate/oidc"})
	begun, _, _ := strings.Cut(header.Get("Set-Cookie"), ";")
	to, _ := url.Parse(header.Get("Location"))
	given := url.Values{"state": {to.Query().Get("state")}, "error": {forged}}
	w.send(request{method: "GET", path: "/dagster/gate/oidc/callback?" + given.Encode(), headers: map[string]string{"Cookie": begun}})
	w.send(request{
		method: "POST", path: "/dagster/gate/login", body: url.Values{"user": {forged + strings.Repeat("x", 9000)}, "password": {"x"}}.Encode(),
		headers: map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
	})
	for _, line := range strings.Split(said.String()+w.log.String(), "\n") {
		if strings.HasPrefix(line, `{"event"`) || len(line) > 1000 {
			t.Errorf("somebody has written %.200s", line)
		}
	}
	if !strings.Contains(said.String(), "a login at the provider fails") {
		t.Error(said)
	}
}
