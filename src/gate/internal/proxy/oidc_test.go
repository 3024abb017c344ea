package proxy

import (
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"

	"dagnix/gate/internal/account"
	"dagnix/gate/internal/settings"
)

// provider starts a real OpenID Connect provider, which has a test user, and returns its URL.
func provider(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	issuer := "http://" + listener.Addr().String()
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	server := &httptest.Server{
		Listener: listener,
		Config:   &http.Server{Handler: exampleop.SetupServer(issuer, storage.NewStorage(storage.NewUserStore(issuer)), quiet, false)},
	}
	server.Start()
	t.Cleanup(server.Close)
	return issuer
}

// behind is a gate whose users are those of a provider.
func behind(t *testing.T, issuer string, change func(*account.Provider)) *world {
	t.Helper()
	w := build(t, func(s *settings.Settings) { s.Prefix = "/dagster" }, map[string]string{"session-key": key})
	its := account.Provider{
		Issuer: issuer, ClientID: w.host, ClientSecret: "secret", URL: w.gate.URL + "/dagster", Claim: "email",
		Roles: map[string]string{"test-user@zitadel.ch": "operator", "other@zitadel.ch": "admin"},
	}
	if change != nil {
		change(&its)
	}
	storage.RegisterClients(storage.WebClient(w.host, "secret", w.gate.URL+"/dagster/gate/oidc/callback"))
	text, _ := json.Marshal(its)
	w.write("oidc.json", string(text))
	return w
}

var requestID = regexp.MustCompile(`name="id" value="([^"]+)"`)

// through logs in at the provider as a browser would; it returns where that has ended, and the cookies.
func through(t *testing.T, w *world, password string) (*http.Client, int, string, string) {
	t.Helper()
	jar, _ := cookiejar.New(nil)
	client := &http.Client{Jar: jar, CheckRedirect: func(to *http.Request, _ []*http.Request) error {
		if given := to.URL.Query(); w.nonce != "" && given.Has("nonce") {
			given.Set("nonce", w.nonce)
			to.URL.RawQuery = given.Encode()
		}
		return nil
	}}
	get := func(response *http.Response, err error) (int, string, string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, _ := io.ReadAll(response.Body)
		return response.StatusCode, response.Request.URL.String(), string(text)
	}
	status, at, text := get(client.Get(w.gate.URL + "/dagster/gate/oidc?next=/dagster/runs"))
	found := requestID.FindStringSubmatch(text)
	if found == nil {
		return client, status, at, text
	}
	host, _ := url.Parse(at)
	form := url.Values{"id": {found[1]}, "username": {"test-user@" + host.Hostname()}, "password": {password}}
	status, at, text = get(client.PostForm("http://"+host.Host+"/login/username", form))
	return client, status, at, text
}

func TestALoginAtAProvider(t *testing.T) {
	w := behind(t, provider(t), nil)
	client, status, at, text := through(t, w, "verysecure")
	if status != 200 || at != w.gate.URL+"/dagster/runs" || text != "dagster" {
		t.Fatal(status, at, text)
	}
	post := func(body string) int {
		response, err := client.Post(w.gate.URL+"/dagster/graphql", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode
	}
	for body, want := range map[string]int{query: 200, launch: 200, delete: 403} {
		if got := post(body); got != want {
			t.Errorf("%s: %d, not %d", body, got, want)
		}
	}
	w.write("users.json", users()["users.json"])
	_ = os.Remove(filepath.Join(w.folder, "oidc.json"))
	if status := post(query); status != 401 {
		t.Error("a session of a provider outlives the provider:", status)
	}
	if !strings.Contains(w.log.String(), `"event":"login","who":"oidc:test-user@zitadel.ch","role":"operator"`) {
		t.Error(w.log.String())
	}
}

func TestWhoHasNoRoleAtTheProviderStaysOut(t *testing.T) {
	for name, change := range map[string]func(*account.Provider){
		"no value fits": func(p *account.Provider) { p.Roles = map[string]string{"other@zitadel.ch": "admin"} },
		"no such claim": func(p *account.Provider) { p.Claim = "groups" },
	} {
		w := behind(t, provider(t), change)
		client, status, _, text := through(t, w, "verysecure")
		if status != 403 || !strings.Contains(text, "has no role here") {
			t.Errorf("%s: %d %s", name, status, text)
		}
		if response, _ := client.Get(w.gate.URL + "/dagster/runs"); response.StatusCode != 401 {
			t.Errorf("%s: %d", name, response.StatusCode)
		}
	}
	w := behind(t, provider(t), func(p *account.Provider) { p.Roles, p.Default = nil, "viewer" })
	if _, status, _, text := through(t, w, "verysecure"); status != 200 {
		t.Error(status, text)
	}
}

func TestALoginThatDidNotBeginHereIsRefused(t *testing.T) {
	w := behind(t, provider(t), nil)
	for name, headers := range map[string]map[string]string{"no cookie": nil, "a made-up one": {"Cookie": "dagnix-oidc=x"}} {
		status, header, _ := w.send(request{method: "GET", path: "/dagster/gate/oidc/callback?code=x&state=y", headers: headers})
		if status != 403 || strings.Contains(header.Get("Set-Cookie"), w.cookie()) {
			t.Errorf("%s: %d", name, status)
		}
	}
	// Begun by this browser, but with the code of another login.
	status, header, _ := w.send(request{method: "GET", path: "/dagster/gate/oidc"})
	begun, _, _ := strings.Cut(header.Get("Set-Cookie"), ";")
	to, _ := url.Parse(header.Get("Location"))
	if status != 302 || to.Query().Get("code_challenge_method") != "S256" || to.Query().Get("nonce") == "" {
		t.Error(status, to)
	}
	for state, says := range map[string]string{"other": "has not begun here", to.Query().Get("state"): "takes no code"} {
		status, _, text := w.send(request{
			method: "GET", path: "/dagster/gate/oidc/callback?code=x&state=" + state, headers: map[string]string{"Cookie": begun},
		})
		if status != 403 || !strings.Contains(text, says) {
			t.Errorf("%d %s", status, text)
		}
	}
}

func (w *world) cookie() string {
	return account.NewSessions(false, "").CookieName([]byte(key))
}

func TestATokenOfAnotherLoginIsRefused(t *testing.T) {
	w := behind(t, provider(t), nil)
	w.nonce = "of-another-login"
	if _, status, _, text := through(t, w, "verysecure"); status != 403 || !strings.Contains(text, "for another login") {
		t.Error(status, text)
	}
}

func TestAProviderThatDoesNotAnswer(t *testing.T) {
	w := behind(t, "http://127.0.0.1:1", nil)
	if _, status, _, text := through(t, w, "x"); status != 502 || !strings.Contains(text, "The provider does not answer.") {
		t.Error(status, text)
	}
}
