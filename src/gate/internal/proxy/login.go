package proxy

import (
	"errors"
	"fmt"
	"log"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"dagnix/gate/internal/account"
	"dagnix/gate/internal/audit"
	"dagnix/gate/internal/oidc"
	"dagnix/gate/internal/page"
	"dagnix/gate/internal/role"
)

const (
	maxForm = 16 << 10
	maxName = 128 // bytes; what is longer is no user's, and is not kept
)

// own answers at the paths that are the gate's.
func (g *Gate) own(w http.ResponseWriter, r *http.Request, path string, accounts account.Accounts) {
	if !accounts.Enabled() {
		http.NotFound(w, r)
		return
	}
	switch r.Method + " " + path {
	case "GET /gate", "GET /gate/":
		who, err := g.sessions.Who(r, accounts)
		if err != nil {
			g.askToLogIn(w, r)
			return
		}
		says := fmt.Sprintf("%s is logged in, with the role %s.", who.Name, who.Role)
		page.Show(w, http.StatusOK, page.Page{Title: "Dagster", Says: says, Who: who.Name, Prefix: g.settings.Prefix})
	case "GET /gate/login":
		g.loginPage(w, http.StatusOK, "", r.URL.Query().Get("next"), accounts)
	case "POST /gate/login":
		g.logIn(w, r, accounts)
	case "GET /gate/oidc", "GET " + oidc.Callback:
		g.logInElsewhere(w, r, path, accounts)
	case "POST /gate/logout":
		if who, err := g.sessions.Who(r, accounts); err == nil {
			g.log.Write(audit.Entry{Event: "logout", Who: who.Name, From: address(r)})
		}
		g.sessions.End(w, r, accounts)
		http.Redirect(w, r, g.settings.Prefix+"/gate/login", http.StatusSeeOther)
	default:
		http.NotFound(w, r)
	}
}

func (g *Gate) loginPage(w http.ResponseWriter, status int, says, next string, accounts account.Accounts) {
	page.Show(w, status, page.Page{
		Title: "Dagster", Says: says, Prefix: g.settings.Prefix, Next: g.inside(next),
		Password: len(accounts.Users) > 0, Provider: accounts.Provider != nil,
	})
}

// askToLogIn leads a person to the page, and tells a program why it gets nothing.
func (g *Gate) askToLogIn(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet && r.Header.Get("Upgrade") == "" && strings.Contains(r.Header.Get("Accept"), "text/html") {
		to := g.settings.Prefix + "/gate/login?next=" + url.QueryEscape(r.URL.RequestURI())
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, to, http.StatusSeeOther)
		return
	}
	answer(w, http.StatusUnauthorized, "Refused: nobody is logged in; "+g.settings.Prefix+"/gate/login is the page for that.")
}

func (g *Gate) logIn(w http.ResponseWriter, r *http.Request, accounts account.Accounts) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		refuse(w, http.StatusBadRequest, errors.New("the form cannot be read"))
		return
	}
	name, password, next := r.PostForm.Get("user"), r.PostForm.Get("password"), r.PostForm.Get("next")
	name = name[:min(len(name), maxName)]
	keys := []string{"user " + name, "from " + address(r)}
	if wait := g.throttle.Begin(keys...); wait > 0 {
		seconds := int(math.Ceil(wait.Seconds()))
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		g.log.Write(audit.Entry{Event: "login", Who: name, From: address(r), Refused: "too many attempts"})
		g.loginPage(w, http.StatusTooManyRequests, fmt.Sprintf("Too many attempts: try again in %d s.", seconds), next, accounts)
		return
	}
	right, err := accounts.Verify(name, password)
	if err != nil {
		log.Printf("the password of %q cannot be compared: %v", name, err)
	}
	if !right {
		g.log.Write(audit.Entry{Event: "login", Who: name, From: address(r), Refused: "wrong user or password"})
		g.loginPage(w, http.StatusUnauthorized, "Wrong user or password.", next, accounts)
		return
	}
	g.throttle.Succeed(keys...)
	g.enter(w, r, accounts, name, role.None, next)
}

// logInElsewhere leads to the provider, and takes in who comes back.
func (g *Gate) logInElsewhere(w http.ResponseWriter, r *http.Request, path string, accounts account.Accounts) {
	if accounts.Provider == nil {
		http.NotFound(w, r)
		return
	}
	if path != oidc.Callback {
		if err := g.oidc.Begin(w, r, accounts, r.URL.Query().Get("next")); err != nil {
			log.Printf("no login at the provider can begin: %q", err)
			g.loginPage(w, http.StatusBadGateway, "The provider does not answer.", "", accounts)
		}
		return
	}
	who, next, err := g.oidc.Finish(w, r, accounts)
	if err != nil {
		// Lines of other people's would look like the audit's.
		log.Printf("a login at the provider fails: %q", err)
		g.log.Write(audit.Entry{Event: "login", Who: who.Name, From: address(r), Refused: err.Error()})
		g.loginPage(w, http.StatusForbidden, "This login is refused: "+err.Error()+".", next, accounts)
		return
	}
	g.enter(w, r, accounts, who.Name, who.Role, next)
}

// enter begins a session and leads to where the user wanted to be.
func (g *Gate) enter(w http.ResponseWriter, r *http.Request, accounts account.Accounts, name string, given role.Role, next string) {
	if err := g.sessions.Begin(w, accounts, name, given); err != nil {
		log.Printf("no session can be made: %v", err)
		refuse(w, http.StatusInternalServerError, errors.New("no session can be made"))
		return
	}
	has := given
	if has == role.None {
		has = role.Parse(accounts.Users[name].Role)
	}
	g.log.Write(audit.Entry{Event: "login", Who: name, Role: has.String(), From: address(r)})
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, g.inside(next), http.StatusSeeOther)
}

// inside returns the path if it is one of the dashboard's pages, and otherwise the first page.
func (g *Gate) inside(next string) string {
	first := g.settings.Prefix + "/"
	parsed, err := url.Parse(next)
	odd := err != nil || parsed.IsAbs() || parsed.Host != "" || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t")
	if odd || !strings.HasPrefix(next, first) || strings.HasPrefix(next, first+"gate") {
		return first
	}
	return next
}
