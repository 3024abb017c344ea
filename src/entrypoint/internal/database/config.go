// Package database connects to Postgres and says in one sentence why it cannot.
package database

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lib/pq"

	"dagnix/runtime/internal/secret"
)

// attempt limits one attempt to connect and authenticate.
const attempt = 3 * time.Second

// Config is a Postgres database that the environment names.
type Config struct {
	pq.Config
	// Prefix of the variables that it comes from, such as DAGSTER_PG.
	Prefix string
}

// FromEnvironment reads PREFIX_HOST, _PORT, _DB, _USER and _PASSWORD (or _PASSWORD_FILE), and how to
// use TLS from libpq's own variables, so that this connects as Dagster's psycopg2 will. It returns
// nil if PREFIX_HOST is not set.
func FromEnvironment(prefix string) (*Config, error) {
	host := os.Getenv(prefix + "_HOST")
	if host == "" {
		return nil, nil
	}
	port, err := portFrom(prefix + "_PORT")
	if err != nil {
		return nil, err
	}
	mode, err := sslMode(host)
	if err != nil {
		return nil, err
	}
	password, err := secret.Lookup(prefix + "_PASSWORD")
	if err != nil {
		return nil, err
	}
	config := base(host, port)
	config.Database = valueOr(prefix+"_DB", "dagster")
	config.User = valueOr(prefix+"_USER", "dagster")
	config.Password = password
	config.SSLMode = mode
	config.SSLRootCert = os.Getenv("PGSSLROOTCERT")
	config.SSLCert = os.Getenv("PGSSLCERT")
	config.SSLKey = os.Getenv("PGSSLKEY")
	return &Config{Prefix: prefix, Config: config}, nil
}

// OnSocket is the database named like the user on the server that listens in a folder. The password
// stands in a file of libpq's format.
func OnSocket(folder, user, passwordFile string) (pq.Config, error) {
	port, err := portFrom("PGPORT") // as Postgres itself does
	if err != nil {
		return pq.Config{}, err
	}
	config := base(folder, port)
	config.Database, config.User, config.SSLMode = user, user, pq.SSLModeDisable
	line, err := os.ReadFile(passwordFile)
	if err != nil {
		return pq.Config{}, err
	}
	_, config.Password, _ = strings.Cut(strings.TrimSpace(string(line)), ":"+user+":")
	return config, nil
}

// base is what pq.NewConfig sets by default. It is not used, because it refuses to work when a libpq
// variable is set that it does not know, such as PGGSSENCMODE.
func base(host string, port uint16) pq.Config {
	return pq.Config{
		Host:               host,
		Port:               port,
		ApplicationName:    "dagnix",
		ConnectTimeout:     attempt,
		SSLSNI:             true,
		MinProtocolVersion: pq.ProtocolVersion30,
		MaxProtocolVersion: pq.ProtocolVersion30,
		ClientEncoding:     "UTF8",
		Datestyle:          "ISO, MDY",
	}
}

func portFrom(variable string) (uint16, error) {
	text := valueOr(variable, "5432")
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		return 0, fmt.Errorf("%s is %q: give a port number, such as 5432", variable, text)
	}
	return uint16(port), nil
}

// sslMode is libpq's choice, and prefer as in libpq if there is none: pq's own default is require.
func sslMode(host string) (pq.SSLMode, error) {
	if filepath.IsAbs(host) {
		return pq.SSLModeDisable, nil
	}
	mode := pq.SSLMode(valueOr("PGSSLMODE", string(pq.SSLModePrefer)))
	modes := []pq.SSLMode{pq.SSLModeDisable, pq.SSLModeAllow, pq.SSLModePrefer, pq.SSLModeRequire, pq.SSLModeVerifyCA, pq.SSLModeVerifyFull}
	if !slices.Contains(modes, mode) {
		return "", fmt.Errorf("PGSSLMODE is %q: give one of %q", mode, modes)
	}
	return mode, nil
}

// Address is host and port, or the folder of the socket, for messages.
func (c *Config) Address() string {
	if filepath.IsAbs(c.Host) {
		return c.Host
	}
	return fmt.Sprintf("%s:%d", c.Host, c.Port)
}

// Open prepares a handle; nothing connects before it is used.
func Open(config pq.Config) (*sql.DB, error) {
	connector, err := pq.NewConnectorConfig(config)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

func valueOr(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}
