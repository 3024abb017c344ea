package settings

import (
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
