package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dagnix/gate/internal/settings"
)

func ours(t *testing.T) settings.Settings {
	t.Helper()
	return settings.Settings{
		TLS: settings.Own, State: t.TempDir(), Secrets: t.TempDir(), Bind: netip.MustParseAddr("192.0.2.7"),
		Hosts: []string{"dagster.example.com:8443"},
	}
}

// shown connects, and returns the certificate if the authority vouches for it under the name.
func shown(config *tls.Config, authority []byte, name string) (*x509.Certificate, error) {
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(authority)
	near, far := net.Pipe()
	defer near.Close()
	go func() { _ = tls.Server(far, config).Handshake() }()
	client := tls.Client(near, &tls.Config{RootCAs: trusted, ServerName: name})
	if err := client.Handshake(); err != nil {
		return nil, err
	}
	return client.ConnectionState().PeerCertificates[0], nil
}

func TestItsOwnAuthority(t *testing.T) {
	s := ours(t)
	if _, err := Authority(s); err == nil || !strings.Contains(err.Error(), "DAGNIX_TLS=own") {
		t.Error(err)
	}
	config, err := Config(s)
	if err != nil {
		t.Fatal(err)
	}
	trusted, err := Authority(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"dagster.example.com", "localhost", "127.0.0.1", "::1", "192.0.2.7"} {
		if _, err := shown(config, trusted, name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := shown(config, trusted, "evil.example"); err == nil {
		t.Error("it is one for any name")
	}
	key, err := os.Stat(filepath.Join(s.State, authorityKeyFile))
	if err != nil || key.Mode().Perm() != 0o600 {
		t.Error(key, err)
	}
	// After a restart whoever trusts it still does.
	if config, err = Config(s); err != nil {
		t.Fatal(err)
	}
	if _, err := shown(config, trusted, "localhost"); err != nil {
		t.Error(err)
	}
}

func TestACertificateIsMadeAnewBeforeItEnds(t *testing.T) {
	signer, err := openAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	made := &own{authority: signer, names: []string{"localhost"}}
	first, err := made.current()
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := made.current(); again != first {
		t.Error("each connection has another one")
	}
	first.Leaf.NotAfter = first.Leaf.NotAfter.Add(-(leafDays - renewDays) * day)
	if again, _ := made.current(); again == first {
		t.Error("it is not made anew")
	}
}

func TestTheUsersCertificate(t *testing.T) {
	s := ours(t)
	s.TLS = settings.Files
	if _, err := Config(s); err == nil || !strings.Contains(err.Error(), "./dagnix tls install") {
		t.Error(err)
	}
	install := func() []byte {
		signer, err := openAuthority(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		pair, err := signer.sign([]string{"dagster.example.com"})
		if err != nil {
			t.Fatal(err)
		}
		coded, _ := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
		for path, err := range map[string]error{
			certificateFile: write(filepath.Join(s.Secrets, certificateFile), "CERTIFICATE", pair.Certificate[0]),
			keyFile:         write(filepath.Join(s.Secrets, keyFile), "PRIVATE KEY", coded),
		} {
			if err != nil {
				t.Fatal(path, err)
			}
		}
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signer.certificate.Raw})
	}
	trusted := install()
	source := &files{folder: s.Secrets}
	config := &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return source.current() }}
	if _, err := shown(config, trusted, "dagster.example.com"); err != nil {
		t.Error(err)
	}
	// A renewal needs no restart.
	trusted = install()
	if _, err := shown(config, trusted, "dagster.example.com"); err != nil {
		t.Error(err)
	}
	// Half of one does no harm.
	_ = os.WriteFile(filepath.Join(s.Secrets, keyFile), nil, 0o600)
	if _, err := shown(config, trusted, "dagster.example.com"); err != nil {
		t.Error(err)
	}
}
