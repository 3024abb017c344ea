// Package settings reads what the gate's environment says.
package settings

import (
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"strings"
)

// How the gate gets the certificate that it shows.
const (
	NoTLS = "off"   // HTTP; a proxy of the user's may stand in front
	Files = "files" // the user's certificate
	Own   = "own"   // an authority that the gate makes
)

// Settings are those of one gate.
type Settings struct {
	Listen   string       // address to serve at: ":3000"
	Upstream string       // the webserver: "webserver:3000", or "unix:" and the path of a socket
	Bind     netip.Addr   // the host's address at which the gate's port is published
	Hosts    []string     // further names under which browsers may come, with or without a port
	Prefix   string       // of all paths: "/dagster", or nothing
	TLS      string       // NoTLS, Files or Own
	Secrets  string       // folder with users, the session key, the certificate
	State    string       // folder that the gate writes to
	Report   string       // Unix socket at which it says how it is, or nothing
	Gateways []netip.Addr // that stand for the host in the container's networks
}

var (
	prefix = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`)
	host   = regexp.MustCompile(`^(\[[0-9a-f:.]+\]|[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?)(:[0-9]{1,5})?$`)
)

// Read returns the settings of the environment. An error is one sentence that names the variable.
func Read() (Settings, error) {
	read := Settings{
		Listen:   variable("GATE_LISTEN", ":3000"),
		Upstream: variable("GATE_UPSTREAM", "webserver:3000"),
		Prefix:   strings.TrimRight(variable("DAGNIX_PATH_PREFIX", ""), "/"),
		TLS:      variable("DAGNIX_TLS", NoTLS),
		Secrets:  variable("GATE_SECRETS", "/run/secrets/gate"),
		State:    variable("GATE_STATE", "/var/lib/gate"),
		Report:   variable("GATE_REPORT", ""),
		Gateways: gateways(),
	}
	bind := variable("DAGNIX_BIND", "127.0.0.1")
	address, err := netip.ParseAddr(strings.Trim(bind, "[]"))
	if err != nil {
		return read, fmt.Errorf("DAGNIX_BIND must be an IP address of this host, such as 127.0.0.1, not %q", bind)
	}
	read.Bind = address
	for _, name := range strings.FieldsFunc(variable("DAGNIX_HOSTS", ""), func(r rune) bool { return r == ',' || r == ' ' }) {
		name = strings.ToLower(name)
		if !host.MatchString(name) {
			return read, fmt.Errorf("DAGNIX_HOSTS must be host names with commas between them, such as dagster.example.com, and %q is none", name)
		}
		read.Hosts = append(read.Hosts, name)
	}
	if read.Prefix != "" && !prefix.MatchString(read.Prefix) {
		return read, fmt.Errorf("DAGNIX_PATH_PREFIX must be a path such as /dagster, not %q", read.Prefix)
	}
	switch read.TLS {
	case NoTLS, Files, Own:
	default:
		return read, fmt.Errorf("DAGNIX_TLS must be %s, %s or %s, not %q", NoTLS, Files, Own, read.TLS)
	}
	return read, nil
}

// Secure tells whether the gate itself speaks TLS.
func (s Settings) Secure() bool { return s.TLS != NoTLS }

// Published tells whether others than this host reach the gate.
func (s Settings) Published() bool { return !s.Bind.IsLoopback() }

func variable(name, otherwise string) string {
	if value := strings.TrimSpace(os.Getenv(name)); value != "" {
		return value
	}
	return otherwise
}
