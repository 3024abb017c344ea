// Package origin tells requests that the dashboard's own pages, programs and people send from those
// that another web page has a browser send.
package origin

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"dagnix/gate/internal/settings"
)

// Rules are those of one gate.
type Rules struct {
	names  map[string]bool // that DAGNIX_HOSTS has
	bind   netip.Addr
	secure bool
	hosts  []netip.Addr // senders that stand for this host
}

// New returns the rules that the settings ask for.
func New(s settings.Settings) Rules {
	names := make(map[string]bool)
	for _, name := range s.Hosts {
		names[name] = true
	}
	return Rules{names, s.Bind, s.Secure(), s.Gateways}
}

// Host refuses names that nobody has configured: with DNS rebinding a foreign page's own name leads
// here, and to the browser all of it is one site.
//
// Of this host's own names the port does not matter, as an SSH tunnel has another one.
func (r Rules) Host(request *http.Request) error {
	asked := strings.ToLower(request.Host)
	name := hostname(asked)
	if name == "localhost" || r.names[asked] || r.names[name] {
		return nil
	}
	if address, err := netip.ParseAddr(name); err == nil && (address.IsLoopback() || (address == r.bind && !address.IsUnspecified())) {
		return nil
	}
	return errors.New("the dashboard is not known under this name: whoever runs it adds the name to DAGNIX_HOSTS")
}

// Here refuses what does not come from this host. Pipelines share a network with the gate, and who routes
// through the host reaches its containers though no port is published there: they can name any Host.
func (r Rules) Here(request *http.Request) error {
	sender := address(request.RemoteAddr)
	// Without root podman sends what comes to the host from within the container.
	here := sender.IsValid() && (sender.IsLoopback() || sender == local(request))
	if !here && !slices.Contains(r.hosts, sender) {
		return errors.New("while nobody has to log in, the dashboard is for the host alone: `./dagnix auth add USER --role admin`")
	}
	return nil
}

// local is the address at which the request has arrived.
func local(request *http.Request) netip.Addr {
	at, is := request.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !is {
		return netip.Addr{}
	}
	return address(at.String())
}

func address(withPort string) netip.Addr {
	parsed, _ := netip.ParseAddrPort(withPort)
	return parsed.Addr().Unmap()
}

// Sender refuses what the page of another site has had the browser send, but for a plain link.
//
// Browsers say who asks in Sec-Fetch-Site, older ones in Origin alone; programs say neither.
func (r Rules) Sender(request *http.Request) error {
	refused := errors.New("this request comes from a page of another site")
	for _, origin := range request.Header.Values("Origin") {
		if !r.own(origin, request.Host) {
			return refused
		}
	}
	sites := request.Header.Values("Sec-Fetch-Site")
	if len(sites) > 1 {
		return refused
	}
	switch request.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return nil
	}
	plain := request.Method == http.MethodGet &&
		request.Header.Get("Sec-Fetch-Mode") == "navigate" &&
		request.Header.Get("Sec-Fetch-Dest") == "document" &&
		request.Header.Get("Upgrade") == ""
	if !plain {
		return refused
	}
	return nil
}

// own tells whether an origin is that of the host which the request is for. A proxy in front may speak
// TLS where the gate does not.
func (r Rules) own(origin, host string) bool {
	parsed, err := url.Parse(origin)
	if err != nil || parsed.Path != "" || parsed.RawQuery != "" || parsed.User != nil {
		return false
	}
	if parsed.Scheme != "https" && (parsed.Scheme != "http" || r.secure) {
		return false
	}
	return withPort(parsed.Host, parsed.Scheme) == withPort(host, parsed.Scheme)
}

func withPort(host, scheme string) string {
	host = strings.ToLower(host)
	if parsed := (&url.URL{Host: host}); parsed.Port() != "" {
		return net.JoinHostPort(strings.TrimSuffix(parsed.Hostname(), "."), parsed.Port())
	}
	port := map[string]string{"http": "80", "https": "443"}[scheme]
	return net.JoinHostPort(hostname(host), port)
}

func hostname(host string) string {
	return strings.TrimSuffix((&url.URL{Host: host}).Hostname(), ".")
}
