package proxy

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"dagnix/gate/internal/account"
	"dagnix/gate/internal/audit"
	"dagnix/gate/internal/settings"
)

const (
	query    = `{"query": "{version}"}`
	launch   = `{"query": "mutation($r: String!){launchRun(runId: $r)}", "variables": {"r": "r1"}}`
	delete   = `{"query": "mutation{deleteRun}"}`
	unknown  = `{"query": "mutation{somethingNew}"}`
	password = "correct horse battery"
	// Of that password, with weak parameters.
	hash = "$scrypt$ln=4,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$EoVSPZC4RYKB2CErwCmlipwgpfFn0T/z5ifD4UXaZJU"
	key  = "0123456789abcdef0123456789abcdef"
)

// enough is what nothing here takes, however busy the machine is: a test that waits for so long fails.
const enough = time.Minute

// world is a gate with an upstream that tells what it was asked.
type world struct {
	*testing.T
	gate   *httptest.Server
	host   string
	asked  []string // method, path and body of each request that got through
	log    bytes.Buffer
	folder string
	nonce  string // what the provider is given in place of the gate's
}

func build(t *testing.T, change func(*settings.Settings), files map[string]string) *world {
	t.Helper()
	w := &world{T: t, folder: t.TempDir()}
	upstream := httptest.NewServer(http.HandlerFunc(w.answer))
	t.Cleanup(upstream.Close)
	for name, text := range files {
		w.write(name, text)
	}
	s := settings.Settings{
		Upstream: strings.TrimPrefix(upstream.URL, "http://"),
		Bind:     netip.MustParseAddr("127.0.0.1"),
		TLS:      settings.NoTLS,
		Secrets:  w.folder,
	}
	if change != nil {
		change(&s)
	}
	gate := New(s, account.Open(s.Secrets), audit.New(&w.log))
	gate.again = 50 * time.Millisecond
	w.gate = httptest.NewServer(gate)
	t.Cleanup(w.gate.Close)
	w.host = strings.TrimPrefix(w.gate.URL, "http://")
	return w
}

func (w *world) write(name, text string) {
	w.Helper()
	// Beside it and moved, as `./dagnix` does.
	beside := filepath.Join(w.folder, ".beside")
	if err := os.WriteFile(beside, []byte(text), 0o600); err != nil {
		w.Fatal(err)
	}
	if err := os.Rename(beside, filepath.Join(w.folder, name)); err != nil {
		w.Fatal(err)
	}
}

// answer is the upstream's: a WebSocket that says what it hears, or a page.
func (w *world) answer(out http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.asked = append(w.asked, r.Method+" "+r.URL.RequestURI()+" "+string(body))
	if r.Header.Get("Upgrade") != "" {
		link, err := websocket.Accept(out, r, &websocket.AcceptOptions{Subprotocols: []string{"graphql-ws"}, InsecureSkipVerify: true})
		if err != nil {
			return
		}
		for {
			kind, message, err := link.Read(r.Context())
			if err != nil {
				return
			}
			_ = link.Write(r.Context(), kind, message)
		}
	}
	for _, name := range []string{"Cookie", "Authorization"} {
		if r.Header.Get(name) != "" {
			w.Errorf("the webserver is sent %s", name)
		}
	}
	_, _ = io.WriteString(out, "dagster")
}

type request struct {
	method, path, body string
	headers            map[string]string
	host               string
}

// send returns status, headers and body; redirects are not followed.
func (w *world) send(each request) (int, http.Header, string) {
	w.Helper()
	made, err := http.NewRequest(each.method, w.gate.URL+each.path, strings.NewReader(each.body))
	if err != nil {
		w.Fatal(err)
	}
	for name, value := range each.headers {
		made.Header.Set(name, value)
	}
	if each.host != "" {
		made.Host = each.host
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(made)
	if err != nil {
		w.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return response.StatusCode, response.Header, string(text)
}

func (w *world) post(body string, headers map[string]string) int {
	w.Helper()
	all := map[string]string{"Content-Type": "application/json"}
	for name, value := range headers {
		all[name] = value
	}
	status, _, _ := w.send(request{method: "POST", path: "/graphql", body: body, headers: all})
	return status
}

func TestWhatIsAnsweredWithoutALogin(t *testing.T) {
	mutation := url.QueryEscape("mutation{launchRun}")
	plain := map[string]string{"Content-Type": "application/json"}
	cases := map[string]struct {
		request
		want int
	}{
		"a page":               {request{method: "GET", path: "/runs"}, 200},
		"a query":              {request{method: "POST", path: "/graphql", body: query, headers: plain}, 200},
		"with a charset":       {request{method: "POST", path: "/graphql", body: query, headers: map[string]string{"Content-Type": "application/json; charset=UTF-8"}}, 200},
		"a mutation":           {request{method: "POST", path: "/graphql", body: launch, headers: plain}, 200},
		"a query by GET":       {request{method: "GET", path: "/graphql?query=%7Bversion%7D"}, 200},
		"a mutation by GET":    {request{method: "GET", path: "/graphql?query=" + mutation}, 405},
		"by HEAD":              {request{method: "HEAD", path: "/graphql?query=" + mutation}, 405},
		"spelled otherwise":    {request{method: "GET", path: "/%67raphql?query=" + mutation}, 405},
		"the second of two":    {request{method: "GET", path: "/graphql?query=%7Bversion%7D&query=" + mutation}, 400},
		"behind a semicolon":   {request{method: "GET", path: "/graphql?query=%7Bversion%7D;query=" + mutation}, 400},
		"on a page":            {request{method: "GET", path: "/graphql?query=" + mutation, headers: map[string]string{"Accept": "text/html"}}, 405},
		"a text":               {request{method: "POST", path: "/graphql", body: query, headers: map[string]string{"Content-Type": "text/plain; x=application/json"}}, 415},
		"a form":               {request{method: "POST", path: "/graphql", body: "a", headers: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}, 415},
		"multipart":            {request{method: "POST", path: "/graphql", body: "a", headers: map[string]string{"Content-Type": "multipart/form-data; boundary=application/json"}}, 415},
		"no content type":      {request{method: "POST", path: "/graphql?query=" + mutation}, 415},
		"GraphQL as it is":     {request{method: "POST", path: "/graphql", body: "{version}", headers: map[string]string{"Content-Type": "application/graphql"}}, 415},
		"a longer type":        {request{method: "POST", path: "/graphql", body: query, headers: map[string]string{"Content-Type": "application/json+x"}}, 415},
		"packed":               {request{method: "POST", path: "/graphql", body: query, headers: map[string]string{"Content-Type": "application/json", "Content-Encoding": "gzip"}}, 415},
		"no JSON":              {request{method: "POST", path: "/graphql", body: "x", headers: plain}, 400},
		"another method":       {request{method: "PUT", path: "/graphql", body: query, headers: plain}, 405},
		"a question before it": {request{method: "OPTIONS", path: "/graphql"}, 405},
		"POST elsewhere":       {request{method: "POST", path: "/runs", body: query, headers: plain}, 405},
		"a report":             {request{method: "POST", path: "/report_asset_materialization/a", body: "{}", headers: plain}, 200},
		"a report in the path": {request{method: "POST", path: "/report_asset_check/a?passed=true"}, 200},
		"a report as text":     {request{method: "POST", path: "/report_asset_observation/a", body: "{}", headers: map[string]string{"Content-Type": "text/plain"}}, 415},
		"a foreign host":       {request{method: "GET", path: "/runs", host: "evil.example"}, 403},
		"a foreign origin":     {request{method: "POST", path: "/graphql", body: query, headers: map[string]string{"Content-Type": "application/json", "Origin": "http://evil.example"}}, 403},
		"an image":             {request{method: "GET", path: "/graphql?query=%7Bversion%7D", headers: map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}}, 403},
		"the login's pages":    {request{method: "GET", path: "/gate/login"}, 404},
	}
	for name, each := range cases {
		w := build(t, nil, nil)
		status, header, body := w.send(each.request)
		if status != each.want {
			t.Errorf("%s: %d, not %d: %s", name, status, each.want, body)
		}
		if through := len(w.asked) > 0; through != (each.want == 200) {
			t.Errorf("%s: the webserver is asked: %v", name, w.asked)
		}
		for _, name := range []string{"X-Frame-Options", "X-Content-Type-Options", "Referrer-Policy"} {
			if len(header.Values(name)) != 1 {
				t.Errorf("%s: %v", name, header)
			}
		}
		if header.Values("Content-Security-Policy")[0] != "frame-ancestors 'self'" && each.path != "/gate/login" {
			t.Errorf("anybody may frame it: %v", header)
		}
	}
}

func TestWhatTheWebserverGetsIsWhatWasRead(t *testing.T) {
	w := build(t, nil, nil)
	w.post(`{"query": "mutation{launchRun}", "query": "{version}"}`, nil)
	w.send(request{method: "GET", path: "/graphql?query=%7Bversion%7D&other=1"})
	w.send(request{method: "POST", path: "/graphql?query=mutation%7BlaunchRun%7D", body: query, headers: map[string]string{"Content-Type": "application/json"}})
	want := []string{
		`POST /graphql {"query":"{version}"}`,
		`GET /graphql?query=%7Bversion%7D `,
		`POST /graphql {"query":"{version}"}`,
	}
	for place, each := range want {
		if w.asked[place] != each {
			t.Errorf("%q, not %q", w.asked[place], each)
		}
	}
}

func dial(w *world, headers map[string]string) (*websocket.Conn, *http.Response, error) {
	header := http.Header{}
	for name, value := range headers {
		header.Set(name, value)
	}
	ctx, cancel := context.WithTimeout(context.Background(), enough)
	defer cancel()
	options := &websocket.DialOptions{HTTPHeader: header, Subprotocols: []string{"graphql-ws"}}
	return websocket.Dial(ctx, "ws://"+w.host+"/graphql", options)
}

func TestWebSocketsOfForeignPagesAreRefused(t *testing.T) {
	for name, headers := range map[string]map[string]string{
		"Origin":         {"Origin": "http://evil.example"},
		"Sec-Fetch-Site": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
	} {
		w := build(t, nil, nil)
		if _, response, err := dial(w, headers); err == nil || response.StatusCode != 403 || len(w.asked) > 0 {
			t.Errorf("%s: %v %v", name, err, response)
		}
	}
}

func TestOnlySubscriptionsComeByWebSocket(t *testing.T) {
	start := func(query string) string {
		written, _ := json.Marshal(map[string]any{"id": "1", "type": "start", "payload": map[string]any{"query": query}})
		return string(written)
	}
	for message, want := range map[string]string{
		`{"type":"connection_init","payload":{}}`:                          `{"type":"connection_init"}`,
		`{"id":"1","type":"stop"}`:                                         `{"id":"1","type":"stop"}`,
		start("subscription { logs }"):                                     `{"id":"1","payload":{"query":"subscription { logs }"},"type":"start"}`,
		start("mutation { launchRun }"):                                    "",
		start("{ version }"):                                               "",
		start("subscription A { logs } mutation B { launchRun }"):          "",
		`{"type":"subscribe","payload":{"query":"subscription { logs }"}}`: "",
		`{"type":"start"}`:                                                 "",
		`x`:                                                                "",
	} {
		w := build(t, nil, nil)
		link, _, err := dial(w, map[string]string{"Origin": "http://" + w.host})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), enough)
		_ = link.Write(ctx, websocket.MessageText, []byte(message))
		_, said, err := link.Read(ctx)
		if string(said) != want {
			t.Errorf("%s: %s, not %s", message, said, want)
		}
		if want == "" && websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
			t.Errorf("%s: %v", message, err)
		}
		cancel()
		_ = link.CloseNow()
	}
}

func TestBeyondThisHostItServesNothingWithoutALogin(t *testing.T) {
	published := func(s *settings.Settings) { s.Bind = netip.MustParseAddr("0.0.0.0") }
	w := build(t, published, nil)
	for _, path := range []string{"/", "/graphql?query=%7Bversion%7D", HealthPath} {
		if status, _, body := w.send(request{method: "GET", path: path}); status != 503 || !strings.Contains(body, "./dagnix auth") {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if len(w.asked) > 0 {
		t.Error(w.asked)
	}
	if status, _, _ := build(t, published, users()).send(request{method: "GET", path: HealthPath}); status != 200 {
		t.Error(status)
	}
}

func TestThereIsOneWebSocket(t *testing.T) {
	w := build(t, nil, nil)
	status, _, _ := w.send(request{method: "GET", path: "/runs", headers: map[string]string{"Connection": "Upgrade", "Upgrade": "websocket"}})
	if status != 404 || len(w.asked) > 0 {
		t.Error(status, w.asked)
	}
}

func TestAWebserverThatListensOnASocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "http.sock")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	var w *world
	upstream := &httptest.Server{Listener: listener, Config: &http.Server{Handler: http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) { w.answer(out, r) })}}
	upstream.Start()
	defer upstream.Close()
	w = build(t, func(s *settings.Settings) { s.Upstream = "unix:" + path }, nil)
	if status := w.post(query, nil); status != 200 {
		t.Error(status)
	}
	link, _, err := dial(w, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = link.CloseNow()
}

func TestWithoutALoginItServesThisHostAlone(t *testing.T) {
	host, own, pipeline := "10.89.0.1", "10.89.0.2", "10.89.0.3"
	status := func(w *world, from string) int {
		asked := httptest.NewRequest("GET", "http://localhost/runs", nil)
		asked.RemoteAddr = from + ":40000"
		at := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(own + ":3000"))
		asked = asked.WithContext(context.WithValue(asked.Context(), http.LocalAddrContextKey, at))
		answered := httptest.NewRecorder()
		w.gate.Config.Handler.ServeHTTP(answered, asked)
		return answered.Code
	}
	gateway := func(s *settings.Settings) { s.Gateways = []netip.Addr{netip.MustParseAddr(host)} }
	for from, want := range map[string]int{host: 200, "[::ffff:" + host + "]": 200, "127.0.0.1": 200, own: 200, pipeline: 403, "[fd00::3]": 403} {
		if got := status(build(t, gateway, nil), from); got != want {
			t.Errorf("from %s: %d, not %d", from, got, want)
		}
	}
	// With a login everybody is asked for it.
	if got := status(build(t, gateway, users()), pipeline); got != 401 {
		t.Errorf("with a login: %d", got)
	}
}

func TestAPrefix(t *testing.T) {
	w := build(t, func(s *settings.Settings) { s.Prefix = "/dagster" }, nil)
	for path, want := range map[string]int{
		"/": 302, "/dagster": 200, "/dagster/runs": 200, "/runs": 404, "/dagster2": 404, "/graphql?query=%7Bversion%7D": 404,
		"/dagster/graphql?query=mutation%7BlaunchRun%7D": 405,
	} {
		if status, _, body := w.send(request{method: "GET", path: path}); status != want {
			t.Errorf("%s: %d, not %d: %s", path, status, want, body)
		}
	}
}

// busyCloser answers the first request on each connection. A second one that comes when uvicorn would
// just close the connection, it reads, and closes.
func busyCloser(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			link, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer link.Close()
				reader := bufio.NewReader(link)
				for last := (time.Time{}); ; last = time.Now() {
					asked, err := http.ReadRequest(reader)
					if err != nil || !last.IsZero() && time.Since(last) > 4*time.Second {
						return
					}
					_, _ = io.Copy(io.Discard, asked.Body)
					_, _ = io.WriteString(link, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
				}
			}()
		}
	}()
	return listener.Addr().String()
}

func TestNoRequestIsSentOnAConnectionThatTheWebserverIsClosing(t *testing.T) {
	t.Parallel()
	upstream := busyCloser(t)
	w := build(t, func(s *settings.Settings) { s.Upstream = upstream }, nil)
	for _, pause := range []time.Duration{0, 0, 4500 * time.Millisecond} {
		time.Sleep(pause)
		if status := w.post(query, nil); status != http.StatusOK {
			t.Errorf("%v after the request before, status %d", pause, status)
		}
	}
}
