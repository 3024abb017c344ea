package origin

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"dagnix/gate/internal/settings"
)

func rules(tls string, hosts ...string) Rules {
	return New(settings.Settings{Bind: netip.MustParseAddr("192.0.2.7"), Hosts: hosts, TLS: tls})
}

func TestHosts(t *testing.T) {
	cases := map[string]bool{
		"localhost:3000":           true,
		"LOCALHOST.:1":             true,
		"127.0.0.1:8080":           true,
		"127.1.2.3":                true,
		"[::1]:3000":               true,
		"192.0.2.7:3000":           true,
		"192.0.2.8:3000":           false,
		"dagster.example.com":      true,
		"dagster.example.com:99":   true,
		"with-port.example.com:81": true,
		"with-port.example.com:82": false,
		"evil.example":             false,
		"localhost.evil.example":   false,
		"evil.example:3000":        false,
		"127.0.0.1.evil.example":   false,
		"0.0.0.0:3000":             false,
		"":                         false,
	}
	own := rules(settings.NoTLS, "dagster.example.com", "with-port.example.com:81")
	for host, want := range cases {
		request := httptest.NewRequest(http.MethodGet, "/", nil)
		request.Host = host
		if err := own.Host(request); (err == nil) != want {
			t.Errorf("%q: %v", host, err)
		}
	}
}

func TestSenders(t *testing.T) {
	link := map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
	with := func(more map[string]string) map[string]string {
		found := make(map[string]string)
		for _, each := range []map[string]string{link, more} {
			for name, value := range each {
				found[name] = value
			}
		}
		return found
	}
	cases := map[string]struct {
		method  string
		headers map[string]string
		tls     string
		want    bool
	}{
		"a program":          {"POST", nil, "off", true},
		"its own page":       {"POST", map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost:3000"}, "off", true},
		"typed by a person":  {"GET", map[string]string{"Sec-Fetch-Site": "none"}, "off", true},
		"a link":             {"GET", link, "off", true},
		"a link, elsewhere":  {"GET", with(map[string]string{"Origin": "http://evil.example"}), "off", false},
		"a form":             {"POST", link, "off", false},
		"a frame":            {"GET", with(map[string]string{"Sec-Fetch-Dest": "iframe"}), "off", false},
		"a WebSocket":        {"GET", with(map[string]string{"Upgrade": "websocket"}), "off", false},
		"an image":           {"GET", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, "off", false},
		"another port":       {"GET", map[string]string{"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}, "off", false},
		"foreign":            {"GET", map[string]string{"Origin": "http://evil.example"}, "off", false},
		"foreign port":       {"GET", map[string]string{"Origin": "http://localhost:8000"}, "off", false},
		"a sandbox":          {"POST", map[string]string{"Origin": "null"}, "off", false},
		"another name":       {"POST", map[string]string{"Origin": "http://127.0.0.1:3000"}, "off", false},
		"a proxy with TLS":   {"POST", map[string]string{"Origin": "https://localhost:3000"}, "off", true},
		"HTTP to one of TLS": {"POST", map[string]string{"Origin": "http://localhost:3000"}, "own", false},
		"an odd origin":      {"POST", map[string]string{"Origin": "http://evil.example@localhost:3000"}, "off", false},
	}
	for name, each := range cases {
		request := httptest.NewRequest(each.method, "/runs", nil)
		request.Host = "localhost:3000"
		for header, value := range each.headers {
			request.Header.Set(header, value)
		}
		if err := rules(each.tls).Sender(request); (err == nil) != each.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDefaultPorts(t *testing.T) {
	request := httptest.NewRequest(http.MethodPost, "/", nil)
	request.Host = "dagster.example.com"
	for origin, want := range map[string]bool{
		"https://dagster.example.com":     true,
		"https://dagster.example.com:443": true,
		"http://dagster.example.com":      true, // a page that the gate itself has served
		"http://dagster.example.com:81":   false,
	} {
		request.Header.Set("Origin", origin)
		if err := rules(settings.NoTLS).Sender(request); (err == nil) != want {
			t.Errorf("%s: %v", origin, err)
		}
	}
}
