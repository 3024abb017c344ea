package settings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSettings(t *testing.T) {
	t.Setenv("DAGNIX_BIND", "[::1]")
	t.Setenv("DAGNIX_HOSTS", "Dagster.example.com, other:8443")
	t.Setenv("DAGNIX_PATH_PREFIX", "/dagster/")
	t.Setenv("DAGNIX_TLS", "own")
	read, err := Read()
	if err != nil || read.Published() || !read.Secure() || read.Prefix != "/dagster" || strings.Join(read.Hosts, " ") != "dagster.example.com other:8443" {
		t.Error(read, err)
	}
	for name, value := range map[string]string{
		"DAGNIX_BIND": "localhost", "DAGNIX_HOSTS": "https://dagster.example.com", "DAGNIX_PATH_PREFIX": "dagster", "DAGNIX_TLS": "yes",
	} {
		t.Setenv(name, value)
		if _, err := Read(); err == nil || !strings.HasPrefix(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
		t.Setenv(name, "")
	}
	if read, err = Read(); err != nil || read.Published() || read.Secure() {
		t.Error(read, err)
	}
	t.Setenv("DAGNIX_BIND", "0.0.0.0")
	if read, _ = Read(); !read.Published() {
		t.Error(read)
	}
}

func TestTheHostIsTheGatewayOfTheNetwork(t *testing.T) {
	routes, uids = filepath.Join(t.TempDir(), "route"), filepath.Join(t.TempDir(), "uid_map")
	t.Cleanup(func() { routes, uids = "/proc/net/route", "/proc/self/uid_map" })
	users := func(text string) {
		t.Helper()
		if err := os.WriteFile(uids, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	users("         0          0 4294967295\n")
	if read, err := Read(); err != nil || len(read.Gateways) > 0 {
		t.Error(read, err)
	}
	text := "Iface\tDestination\tGateway \tFlags\n" +
		"eth0\t00000000\t010A590A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n" +
		"eth0\t000A590A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
	if err := os.WriteFile(routes, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if read, err := Read(); err != nil || len(read.Gateways) != 1 || read.Gateways[0].String() != "10.89.10.1" {
		t.Error(read, err)
	}
	// Without root it is who comes from the user's other networks.
	users("         0       1000          1\n         1     100000      65536\n")
	if read, err := Read(); err != nil || len(read.Gateways) > 0 {
		t.Error(read, err)
	}
}
