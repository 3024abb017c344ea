package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const header = "# Written by `runtime postgres` at every start.\n"

// hostBasedAuthentication lets everybody in by password alone: the containers that share the Unix socket
// have one uid. The superuser gets in on a socket only, as nobody outside the container needs it.
const hostBasedAuthentication = header + `
local all         all          scram-sha-256
local replication postgres     scram-sha-256
host  all         postgres all reject
host  all         all      all scram-sha-256
`

// writeSettings replaces initdb's settings, so that a newer image brings newer ones. What the user
// sets in the included file, or with ALTER SYSTEM, wins over them.
func (c *cluster) writeSettings() error {
	settings := header + fmt.Sprintf(`
# Clients use the shared socket: on a network others could reach the server.
listen_addresses = %s
unix_socket_directories = %s
password_encryption = 'scram-sha-256'
log_line_prefix = '%%m [%%p] %%q%%u@%%d '
# Dagster's queries are short: compiling them costs more than it saves.
jit = off

include_if_exists = %s
`, quote(os.Getenv("DAGNIX_PG_LISTEN")), quote(strings.Join(c.socketFolders(), ", ")), quote(c.settings))
	for name, content := range map[string]string{
		"postgresql.conf": settings,
		"pg_hba.conf":     hostBasedAuthentication,
	} {
		if err := replace(filepath.Join(c.folder(), name), content); err != nil {
			return fmt.Errorf("cannot write Postgres's settings: %w", err)
		}
	}
	return nil
}

// replace writes a file beside the old one and renames it, so that it is never half written.
func replace(path, content string) error {
	next := path + ".next"
	if err := os.WriteFile(next, []byte(content), 0o600); err != nil {
		return err
	}
	return os.Rename(next, path)
}

// quote makes a literal of SQL with standard_conforming_strings, and of postgresql.conf.
func quote(text string) string {
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}
