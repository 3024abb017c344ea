// Package account knows who may log in, and who has.
package account

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"dagnix/gate/internal/role"
	"dagnix/gate/internal/stamp"
)

// User is one entry of users.json.
type User struct {
	Role     string `json:"role"`
	Password string `json:"password"` // see [verify]
}

// Provider is what oidc.json says of an OpenID Connect provider.
type Provider struct {
	Issuer       string            `json:"issuer"`
	ClientID     string            `json:"client_id"`
	ClientSecret string            `json:"client_secret"`
	URL          string            `json:"url"`     // of the dashboard, as browsers have it
	Claim        string            `json:"claim"`   // of the ID token: with what roles are given by
	Roles        map[string]string `json:"roles"`   // a value of the claim → a role's name
	Default      string            `json:"default"` // role of all others; "" lets nobody else in
	CA           string            `json:"ca"`      // PEM of the authority that signed its certificate
}

// Accounts are what the files of the gate's secrets say.
type Accounts struct {
	Users    map[string]User
	Provider *Provider
	Key      []byte // signs sessions
	Token    string // SHA-256 of the command line's token, in hexadecimal digits

	MetricsToken string // SHA-256 of the token that reads /metrics alone
}

// Enabled tells whether anybody has to log in.
func (a Accounts) Enabled() bool { return len(a.Users) > 0 || a.Provider != nil }

// Store holds the accounts, and follows changes of their files.
type Store struct {
	folder string
	paths  []string
	mutex  sync.Mutex
	stamp  string
	last   Accounts
	err    error
}

// Open returns the store of a folder, which need not be there.
func Open(folder string) *Store {
	store := &Store{folder: folder}
	for _, name := range files {
		store.paths = append(store.paths, filepath.Join(folder, name))
	}
	return store
}

// Current returns the accounts as they are now: what `./dagnix auth` has changed counts from the
// next request on. With an error nobody may come in.
func (s *Store) Current() (Accounts, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if now := stamp.Of(s.paths...); now != s.stamp || s.err != nil {
		s.stamp = now
		s.last, s.err = read(s.folder)
	}
	return s.last, s.err
}

var files = []string{"users.json", "oidc.json", "session-key", "token-sha256", "metrics-token-sha256"}

func read(folder string) (Accounts, error) {
	var found Accounts
	if err := readJSON(folder, "users.json", &found.Users); err != nil {
		return Accounts{}, err
	}
	for name, user := range found.Users {
		if role.Parse(user.Role) == role.None {
			return Accounts{}, fmt.Errorf("users.json gives %s the role %q, which there is not", name, user.Role)
		}
	}
	if err := readJSON(folder, "oidc.json", &found.Provider); err != nil {
		return Accounts{}, err
	}
	key, err := readFile(folder, "session-key")
	if err != nil {
		return Accounts{}, err
	}
	found.Key = []byte(strings.TrimSpace(string(key)))
	if found.Enabled() && len(found.Key) < 32 {
		return Accounts{}, errors.New("session-key has less than 32 characters: run ./dagnix auth once more")
	}
	token, err := readFile(folder, "token-sha256")
	if err != nil {
		return Accounts{}, err
	}
	found.Token = strings.TrimSpace(string(token))
	if token, err = readFile(folder, "metrics-token-sha256"); err != nil {
		return Accounts{}, err
	}
	found.MetricsToken = strings.TrimSpace(string(token))
	return found, nil
}

func readJSON(folder, name string, into any) error {
	text, err := readFile(folder, name)
	if err != nil || len(text) == 0 {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s cannot be read: %w", name, err)
	}
	return nil
}

func readFile(folder, name string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(folder, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", name, err)
	}
	return text, nil
}
