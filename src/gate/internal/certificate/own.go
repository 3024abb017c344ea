package certificate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"dagnix/gate/internal/settings"
)

const (
	authorityFile    = "authority.pem"
	authorityKeyFile = "authority-key.pem"
	day              = 24 * time.Hour
	authorityDays    = 3650
	leafDays         = 90
	renewDays        = 30 // before it ends
)

// authority signs the gate's certificates; browsers have to be told to trust it.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// Authority returns the certificate of the gate's authority, in PEM.
func Authority(s settings.Settings) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(s.State, authorityFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("there is no authority: it is made when the gate starts with DAGNIX_TLS=own")
	}
	return text, err
}

func openAuthority(folder string) (*authority, error) {
	certificate, key := filepath.Join(folder, authorityFile), filepath.Join(folder, authorityKeyFile)
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeAuthority(certificate, key); err != nil {
			return nil, fmt.Errorf("no authority can be made in %s: %w", folder, err)
		}
		pair, err = tls.LoadX509KeyPair(certificate, key)
	}
	if err != nil {
		return nil, fmt.Errorf("the authority in %s cannot be read: %w", folder, err)
	}
	private, is := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !is {
		return nil, fmt.Errorf("the key of the authority in %s is of another kind", folder)
	}
	return &authority{pair.Leaf, private}, nil
}

func makeAuthority(certificate, key string) error {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{CommonName: "Dagnix gate " + time.Now().UTC().Format(time.DateOnly)},
		NotBefore:             time.Now().Add(-day),
		NotAfter:              time.Now().Add(authorityDays * day),
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return err
	}
	coded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	// The key first: with both there, the authority is.
	if err := write(key, "PRIVATE KEY", coded); err != nil {
		return err
	}
	return write(certificate, "CERTIFICATE", signed)
}

func write(path, kind string, content []byte) error {
	beside := path + ".new"
	if err := os.WriteFile(beside, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), 0o600); err != nil {
		return err
	}
	return os.Rename(beside, path)
}

// own is a certificate that the authority has signed; it is made anew long before it ends.
type own struct {
	authority *authority
	names     []string
	mutex     sync.Mutex
	last      *tls.Certificate
}

func (o *own) current() (*tls.Certificate, error) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if o.last != nil && time.Until(o.last.Leaf.NotAfter) > renewDays*day {
		return o.last, nil
	}
	made, err := o.authority.sign(o.names)
	if err != nil {
		return nil, err
	}
	o.last = made
	return made, nil
}

func (a *authority) sign(names []string) (*tls.Certificate, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial(),
		Subject:      pkix.Name{CommonName: names[0]},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(leafDays * day),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range names {
		if address := net.ParseIP(name); address != nil {
			template.IPAddresses = append(template.IPAddresses, address)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, a.certificate, private.Public(), a.key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(signed)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{signed, a.certificate.Raw}, PrivateKey: private, Leaf: leaf}, nil
}

// names are those that the certificate is for: the configured ones first.
func names(s settings.Settings) []string {
	var found []string
	for _, host := range s.Hosts {
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		found = append(found, host)
	}
	if !s.Bind.IsUnspecified() {
		found = append(found, s.Bind.String())
	}
	return append(found, "localhost", "127.0.0.1", "::1")
}

func serial() *big.Int {
	number, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		panic(err) // the kernel has no randomness
	}
	return number
}
