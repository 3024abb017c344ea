// Package certificate has the certificate that the gate shows: the user's, or one of its own making.
package certificate

import (
	"crypto/tls"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"dagnix/gate/internal/settings"
	"dagnix/gate/internal/stamp"
)

// The user's files, in the folder of the gate's secrets.
const (
	certificateFile = "certificate.pem" // with those between it and the authority's
	keyFile         = "key.pem"
)

// Config returns what a server needs to speak TLS.
func Config(s settings.Settings) (*tls.Config, error) {
	source := func() (*tls.Certificate, error) { return nil, errors.New("no TLS") }
	switch s.TLS {
	case settings.Files:
		source = (&files{folder: s.Secrets}).current
	case settings.Own:
		authority, err := openAuthority(s.State)
		if err != nil {
			return nil, err
		}
		source = (&own{authority: authority, names: names(s)}).current
	}
	if _, err := source(); err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return source() },
	}, nil
}

// files are the user's. They are looked at for each connection, so that a renewal needs no restart.
type files struct {
	folder string
	mutex  sync.Mutex
	stamp  string
	last   *tls.Certificate
}

func (f *files) current() (*tls.Certificate, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	certificate, key := filepath.Join(f.folder, certificateFile), filepath.Join(f.folder, keyFile)
	now := stamp.Of(certificate, key)
	if f.last != nil && now == f.stamp {
		return f.last, nil
	}
	read, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil && f.last != nil {
		return f.last, nil // one of the two has been replaced, the other not yet
	}
	if err != nil {
		return nil, fmt.Errorf("DAGNIX_TLS=files: run `./dagnix tls install CERTIFICATE KEY`: %w", err)
	}
	f.last, f.stamp = &read, now
	return f.last, nil
}
