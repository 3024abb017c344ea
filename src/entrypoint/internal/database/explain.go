package database

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
)

// Explain turns a failure to connect into one sentence that says what is wrong and what to do.
func (c *Config) Explain(err error) error {
	return fmt.Errorf("%s", c.sentence(err))
}

func (c *Config) sentence(err error) string {
	if refusal := new(pq.Error); errors.As(err, &refusal) {
		return c.refusal(refusal)
	}
	if unknown := new(net.DNSError); errors.As(err, &unknown) {
		return fmt.Sprintf("the host name %q of Postgres is unknown (%s): is %s_HOST right, and are both services on one network?",
			c.Host, unknown.Err, c.Prefix)
	}
	if errors.Is(err, pq.ErrSSLNotSupported) {
		return fmt.Sprintf("Postgres at %s offers no encryption, and PGSSLMODE asks for it: turn it on there, or set PGSSLMODE=prefer.", c.Address())
	}
	if distrusted(err) {
		return fmt.Sprintf("the certificate of Postgres at %s is not trusted (%s): name the right authority's file in PGSSLROOTCERT.", c.Address(), err)
	}
	if file := new(fs.PathError); errors.As(err, &file) {
		return fmt.Sprintf("cannot connect to Postgres at %s: %s; correct PGSSLROOTCERT, PGSSLCERT or PGSSLKEY.", c.Address(), file)
	}
	return fmt.Sprintf("Postgres does not answer at %s (%s): is it running, and are %s_HOST and %s_PORT right?",
		c.Address(), away(err), c.Prefix, c.Prefix)
}

// refusal explains what a server said that does answer.
func (c *Config) refusal(err *pq.Error) string {
	switch err.Code {
	case pqerror.InvalidPassword:
		return fmt.Sprintf("Postgres at %s refuses the password of the role %q: the secret %s_PASSWORD differs from the one that the role has. "+
			"Dagnix's own Postgres takes over its secret files when it starts: restart it; in another one, set the password with ALTER ROLE.",
			c.Address(), c.User, c.Prefix)
	case pqerror.InvalidCatalogName:
		return fmt.Sprintf("Postgres at %s has no database %q: create it (CREATE DATABASE), or correct %s_DB.",
			c.Address(), c.Database, c.Prefix)
	case pqerror.InvalidAuthorizationSpecification:
		return fmt.Sprintf("Postgres at %s does not let the role %q in: %s. Its pg_hba.conf must allow this role, database and address; if it asks for encryption, set PGSSLMODE=require.",
			c.Address(), c.User, err.Message)
	}
	return fmt.Sprintf("Postgres at %s is not ready: %s (SQLSTATE %s); its log says more.", c.Address(), err.Message, err.Code)
}

// lasting says whether waiting will hardly help: the server answers and knows what it refuses.
func lasting(err error) bool {
	if errors.Is(err, pq.ErrSSLNotSupported) || distrusted(err) {
		return true
	}
	refusal := new(pq.Error)
	if !errors.As(err, &refusal) {
		return false
	}
	switch refusal.Code {
	case pqerror.InvalidPassword, pqerror.InvalidCatalogName, pqerror.InvalidAuthorizationSpecification:
		return true
	}
	return false
}

// distrusted says whether the server showed a certificate that PGSSLMODE and PGSSLROOTCERT rule out.
func distrusted(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		authority    x509.UnknownAuthorityError
		name         x509.HostnameError
	)
	return errors.As(err, &verification) || errors.As(err, &authority) || errors.As(err, &name)
}

// away names the system's reason in the words of its manual.
func away(err error) string {
	if number := syscall.Errno(0); errors.As(err, &number) {
		return number.Error()
	}
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("no answer within %.0f s", attempt.Seconds())
	}
	return err.Error()
}
