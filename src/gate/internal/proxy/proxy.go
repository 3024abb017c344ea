// Package proxy is the gate: it decides about each request, and passes those on that may be.
package proxy

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"

	"dagnix/gate/internal/account"
	"dagnix/gate/internal/audit"
	"dagnix/gate/internal/oidc"
	"dagnix/gate/internal/origin"
	"dagnix/gate/internal/relay"
	"dagnix/gate/internal/role"
	"dagnix/gate/internal/settings"
)

const (
	maxBody     = 32 << 20 // bytes; the configuration of a run is the largest that Dagster's page sends
	dialSeconds = 5
	// idleSeconds is how long a connection to the webserver is kept for the next request. uvicorn closes
	// one after 5 s; a POST on a connection that it is just closing is lost.
	idleSeconds = 2
	// metricsPath is that of the webserver's page for Prometheus, which has a token of its own.
	metricsPath = "/metrics"
)

// Gate is the handler of all requests.
type Gate struct {
	settings settings.Settings
	rules    origin.Rules
	accounts *account.Store
	sessions *account.Sessions
	throttle *account.Throttle
	oidc     *oidc.Logins
	log      *audit.Log
	upstream *httputil.ReverseProxy
	client   *http.Client
	again    time.Duration // how often the session behind a WebSocket is looked at
	patience time.Duration // for the body of a request
}

// New returns the gate that the settings ask for; changes and logins go to the log.
func New(s settings.Settings, accounts *account.Store, log *audit.Log) *Gate {
	transport := connect(s.Upstream)
	return &Gate{
		settings: s,
		rules:    origin.New(s),
		accounts: accounts,
		sessions: account.NewSessions(s.Secure(), s.Prefix),
		throttle: account.NewThrottle(),
		oidc:     &oidc.Logins{Secure: s.Secure(), Path: s.Prefix},
		log:      log,
		client:   &http.Client{Transport: transport},
		again:    15 * time.Second,
		patience: 30 * time.Second,
		upstream: &httputil.ReverseProxy{
			Transport:      transport,
			Rewrite:        rewrite(s, accounts),
			FlushInterval:  -1,
			ModifyResponse: harden,
			ErrorHandler:   unavailable,
		},
	}
}

// connect returns a transport that connects to the upstream, whatever host a request names.
func connect(upstream string) *http.Transport {
	network, address := "tcp", upstream
	if path, is := strings.CutPrefix(upstream, "unix:"); is {
		network, address = "unix", path
	}
	dialer := net.Dialer{Timeout: dialSeconds * time.Second}
	return &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, address)
		},
		DisableCompression:  true, // what the browser accepts is passed on
		MaxIdleConnsPerHost: 16,
		IdleConnTimeout:     idleSeconds * time.Second,
	}
}

func rewrite(s settings.Settings, accounts *account.Store) func(*httputil.ProxyRequest) {
	return func(request *httputil.ProxyRequest) {
		request.Out.URL.Scheme = "http"
		request.Out.URL.Host = "webserver"
		request.Out.Host = request.In.Host
		// Dagster has no use for what lets somebody in here.
		request.Out.Header.Del("Authorization")
		request.Out.Header.Del("Cookie")
		request.SetXForwarded()
	}
}

func harden(response *http.Response) error {
	// The gate's own are there already, and the browser heeds each policy.
	for _, name := range []string{"X-Frame-Options", "X-Content-Type-Options", "Referrer-Policy"} {
		response.Header.Del(name)
	}
	return nil
}

func unavailable(w http.ResponseWriter, r *http.Request, err error) {
	if !errors.Is(err, context.Canceled) {
		log.Printf("the webserver does not answer: %q", err)
	}
	http.Error(w, "Dagster's webserver does not answer; `./dagnix status` tells how it is.", http.StatusBadGateway)
}

// ServeHTTP answers a request or passes it on.
func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.secure(w.Header())
	if r.Method != http.MethodGet && r.Header.Get("Upgrade") == "" {
		// Also of a body that nobody reads: the server would wait for its end.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(g.patience))
	}
	if err := g.rules.Host(r); err != nil {
		refuse(w, http.StatusForbidden, err)
		return
	}
	accounts, err := g.accounts.Current()
	if err == nil && g.settings.Published() && !accounts.Enabled() {
		err = errOpen
	}
	if r.URL.Path == HealthPath {
		g.health(w, err)
		return
	}
	if err != nil {
		refuse(w, http.StatusServiceUnavailable, err)
		return
	}
	if !accounts.Enabled() {
		if err := g.rules.Here(r); err != nil {
			refuse(w, http.StatusForbidden, err)
			return
		}
	}
	if err := g.rules.Sender(r); err != nil {
		refuse(w, http.StatusForbidden, err)
		return
	}
	path, inside := strings.CutPrefix(r.URL.Path, g.settings.Prefix)
	if !inside || !strings.HasPrefix(path+"/", "/") {
		if r.URL.Path == "/" && r.Method == http.MethodGet {
			http.Redirect(w, r, g.settings.Prefix+"/", http.StatusFound)
			return
		}
		http.NotFound(w, r)
		return
	}
	if hasDots(path) {
		refuse(w, http.StatusBadRequest, errors.New("the path has a segment of dots"))
		return
	}
	if path == "/gate" || strings.HasPrefix(path, "/gate/") {
		g.own(w, r, path, accounts)
		return
	}
	who := account.Identity{Name: "anybody", Role: role.Admin}
	if accounts.Enabled() && path == metricsPath && accounts.MayReadMetrics(r) {
		who = account.Identity{Name: "metrics", Role: role.Viewer}
	} else if accounts.Enabled() {
		if who, err = g.sessions.Who(r, accounts); err != nil || who.Role == role.None {
			g.askToLogIn(w, r)
			return
		}
	}
	if r.Header.Get("Upgrade") != "" {
		g.relay(w, r, path, who)
		return
	}
	if g.may(w, r, path, who) {
		g.upstream.ServeHTTP(w, r)
	}
}

// hasDots tells of segments that another reader might resolve, and so see another path.
func hasDots(path string) bool {
	for _, segment := range strings.FieldsFunc(path, func(r rune) bool { return r == '/' || r == '\\' }) {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

// HealthPath answers whether the gate serves, whatever the prefix.
const HealthPath = "/gate/health"

var errOpen = errors.New("the port is published beyond this host, and nobody has to log in: " +
	"run `./dagnix auth add USER --role admin`, or set DAGNIX_BIND=127.0.0.1")

func (g *Gate) health(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte("the gate serves\n"))
}

func (g *Gate) secure(header http.Header) {
	// 'self': the dashboard shows notebooks in a frame.
	header.Set("Content-Security-Policy", "frame-ancestors 'self'")
	header.Set("X-Frame-Options", "SAMEORIGIN")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	if g.settings.TLS == settings.Files {
		header.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

func (g *Gate) relay(w http.ResponseWriter, r *http.Request, path string, who account.Identity) {
	if path != "/graphql" {
		refuse(w, http.StatusNotFound, errors.New("there is no WebSocket here"))
		return
	}
	still := func() error {
		accounts, err := g.accounts.Current()
		if err != nil || !accounts.Enabled() {
			return err
		}
		now, err := g.sessions.Who(r, accounts)
		if err == nil && now != who {
			err = errors.New("the role has changed")
		}
		return err
	}
	target := url.URL{Scheme: "ws", Host: "webserver", Path: r.URL.Path}
	relay.Relay(w, r, g.client, target.String(), relay.Check{Every: g.again, Still: still})
}

func refuse(w http.ResponseWriter, status int, err error) {
	http.Error(w, "Refused: "+err.Error()+".", status)
}
