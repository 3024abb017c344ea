package account

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/securecookie"

	"dagnix/gate/internal/role"
)

// Lifetime of a session.
const Lifetime = 12 * time.Hour

// Identity is who sends a request.
type Identity struct {
	Name string
	Role role.Role
}

// session is what a cookie holds, signed and encrypted.
type session struct {
	Name  string
	Proof string // of a local user: what it was when they logged in, see [proof]
	Role  string // of one from the provider
	ID    string
}

// Sessions are cookies, so they outlive the gate. Those that were ended are kept here.
type Sessions struct {
	Secure bool
	Path   string
	mutex  sync.Mutex
	ended  map[string]time.Time
}

// NewSessions returns those of a gate whose pages are below a path, over TLS or not.
func NewSessions(secure bool, prefix string) *Sessions {
	return &Sessions{Secure: secure, Path: prefix + "/", ended: make(map[string]time.Time)}
}

// CookieName is that of the sessions: each instance on a host has its own, as ports share cookies.
func (s *Sessions) CookieName(key []byte) string {
	sum := sha256.Sum256(append([]byte("name:"), key...))
	name := "dagnix-" + hex.EncodeToString(sum[:4])
	if s.Secure {
		return "__Secure-" + name // which no page without TLS can set
	}
	return name
}

func codec(key []byte) *securecookie.SecureCookie {
	sign := sha256.Sum256(append([]byte("sign:"), key...))
	encrypt := sha256.Sum256(append([]byte("encrypt:"), key...))
	return securecookie.New(sign[:], encrypt[:]).MaxAge(int(Lifetime.Seconds()))
}

// Begin logs somebody in: a local user, or with a role one from the provider.
func (s *Sessions) Begin(w http.ResponseWriter, accounts Accounts, name string, given role.Role) error {
	entry := session{Name: name, ID: hex.EncodeToString(securecookie.GenerateRandomKey(16))}
	if given == role.None {
		entry.Proof = proof(accounts.Users[name])
	} else {
		entry.Role = given.String()
	}
	cookie := s.CookieName(accounts.Key)
	value, err := codec(accounts.Key).Encode(cookie, entry)
	if err != nil {
		return err
	}
	http.SetCookie(w, s.cookie(cookie, value, int(Lifetime.Seconds())))
	return nil
}

func (s *Sessions) cookie(name, value string, seconds int) *http.Cookie {
	return &http.Cookie{
		Name:     name,
		Value:    value,
		Path:     s.Path,
		MaxAge:   seconds,
		Secure:   s.Secure,
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode, // a link to the dashboard works, what a foreign page sends does not
	}
}

// End logs out: the cookie is of no use to anybody, until the gate starts again.
func (s *Sessions) End(w http.ResponseWriter, r *http.Request, accounts Accounts) {
	if entry, err := s.read(r, accounts); err == nil {
		s.mutex.Lock()
		for id, at := range s.ended {
			if time.Since(at) > Lifetime {
				delete(s.ended, id)
			}
		}
		s.ended[entry.ID] = time.Now()
		s.mutex.Unlock()
	}
	http.SetCookie(w, s.cookie(s.CookieName(accounts.Key), "", -1))
}

// Who returns who has sent a request. The user's entry decides as it is now: one who was removed, or has
// another password, has to log in again.
func (s *Sessions) Who(r *http.Request, accounts Accounts) (Identity, error) {
	if bears(r, accounts.Token) {
		return Identity{"./dagnix", role.Admin}, nil
	}
	entry, err := s.read(r, accounts)
	if err != nil {
		return Identity{}, err
	}
	s.mutex.Lock()
	_, ended := s.ended[entry.ID]
	s.mutex.Unlock()
	if ended {
		return Identity{}, errors.New("logged out")
	}
	if entry.Role != "" {
		if accounts.Provider == nil {
			return Identity{}, errors.New("there is no provider any more")
		}
		return Identity{entry.Name, role.Parse(entry.Role)}, nil
	}
	user, there := accounts.Users[entry.Name]
	if !there || subtle.ConstantTimeCompare([]byte(entry.Proof), []byte(proof(user))) != 1 {
		return Identity{}, errors.New("the user has changed")
	}
	return Identity{entry.Name, role.Parse(user.Role)}, nil
}

// MayReadMetrics tells whether a request has the token of `./dagnix auth metrics`, which is good for that
// one page.
func (a Accounts) MayReadMetrics(r *http.Request) bool { return bears(r, a.MetricsToken) }

// bears tells whether a request has the token of a SHA-256, in hexadecimal digits; nothing has that of "".
func bears(r *http.Request, token string) bool {
	given, is := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !is || token == "" {
		return false
	}
	sum := sha256.Sum256([]byte(given))
	return subtle.ConstantTimeCompare([]byte(hex.EncodeToString(sum[:])), []byte(token)) == 1
}

func (s *Sessions) read(r *http.Request, accounts Accounts) (session, error) {
	var entry session
	name := s.CookieName(accounts.Key)
	cookie, err := r.Cookie(name)
	if err != nil {
		return entry, err
	}
	err = codec(accounts.Key).Decode(name, cookie.Value, &entry)
	return entry, err
}

func proof(user User) string {
	sum := sha256.Sum256([]byte(user.Password))
	return hex.EncodeToString(sum[:16])
}
