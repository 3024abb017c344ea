// Package oidc has people log in at an OpenID Connect provider: the authorization code flow, with PKCE.
package oidc

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/gorilla/securecookie"
	"golang.org/x/oauth2"

	"dagnix/gate/internal/account"
	"dagnix/gate/internal/role"
)

const (
	patience = 10 * time.Second // for the provider
	begun    = 10 * time.Minute // how long a login at the provider may take
)

// Callback is the path, below the dashboard's URL, to which the provider leads back.
const Callback = "/gate/oidc/callback"

// begin is what is kept in a cookie while somebody is at the provider.
type begin struct{ State, Nonce, Verifier, Next string }

// Logins are those at one provider.
type Logins struct {
	Secure bool
	Path   string
	mutex  sync.Mutex
	known  *known
}

type known struct {
	settings account.Provider
	provider *oidc.Provider
	client   *http.Client
	scopes   []string
}

// Begin leads a browser to the provider; afterwards it is to come to the path `next`.
func (l *Logins) Begin(w http.ResponseWriter, r *http.Request, accounts account.Accounts, next string) error {
	found, err := l.find(r.Context(), *accounts.Provider)
	if err != nil {
		return err
	}
	at := begin{random(), random(), oauth2.GenerateVerifier(), next}
	value, err := codec(accounts.Key).Encode(name, at)
	if err != nil {
		return err
	}
	http.SetCookie(w, l.cookie(value, int(begun.Seconds())))
	to := found.config().AuthCodeURL(at.State, oidc.Nonce(at.Nonce), oauth2.S256ChallengeOption(at.Verifier))
	http.Redirect(w, r, to, http.StatusFound)
	return nil
}

// Finish returns who has come back from the provider, and where they want to go.
func (l *Logins) Finish(w http.ResponseWriter, r *http.Request, accounts account.Accounts) (account.Identity, string, error) {
	var nobody account.Identity
	var at begin
	cookie, err := r.Cookie(name)
	if err != nil || codec(accounts.Key).Decode(name, cookie.Value, &at) != nil {
		return nobody, "", errors.New("this login has not begun here, or took too long")
	}
	http.SetCookie(w, l.cookie("", -1)) // once only
	given := r.URL.Query()
	if subtle.ConstantTimeCompare([]byte(given.Get("state")), []byte(at.State)) != 1 {
		return nobody, at.Next, errors.New("this login has not begun here")
	}
	if why := given.Get("error"); why != "" {
		return nobody, at.Next, fmt.Errorf("the provider refuses: %.200s", why)
	}
	found, err := l.find(r.Context(), *accounts.Provider)
	if err != nil {
		return nobody, at.Next, err
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(r.Context(), found.client), patience)
	defer cancel()
	token, err := found.config().Exchange(ctx, given.Get("code"), oauth2.VerifierOption(at.Verifier))
	if err != nil {
		return nobody, at.Next, fmt.Errorf("the provider takes no code: %w", err)
	}
	raw, _ := token.Extra("id_token").(string)
	checked, err := found.provider.VerifierContext(ctx, &oidc.Config{ClientID: found.settings.ClientID}).Verify(ctx, raw)
	if err != nil {
		return nobody, at.Next, fmt.Errorf("the provider's token is not valid: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(checked.Nonce), []byte(at.Nonce)) != 1 {
		return nobody, at.Next, errors.New("the provider's token is for another login")
	}
	claims := make(map[string]any)
	if err := checked.Claims(&claims); err != nil {
		return nobody, at.Next, err
	}
	if err := found.complete(ctx, token, checked.Subject, claims); err != nil {
		return nobody, at.Next, err
	}
	who := account.Identity{Name: called(claims, checked.Subject), Role: Role(found.settings, claims)}
	if who.Role == role.None {
		return nobody, at.Next, fmt.Errorf("%s has no role here", who.Name)
	}
	return who, at.Next, nil
}

// complete adds what the provider tells of somebody elsewhere than in the ID token.
func (k *known) complete(ctx context.Context, token *oauth2.Token, subject string, claims map[string]any) error {
	if _, there := claims[k.settings.Claim]; there || k.provider.UserInfoEndpoint() == "" {
		return nil
	}
	info, err := k.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return fmt.Errorf("the provider does not tell who it is: %w", err)
	}
	if info.Subject != subject {
		return errors.New("the provider tells of somebody else")
	}
	more := make(map[string]any)
	if err := info.Claims(&more); err != nil {
		return err
	}
	for name, value := range more {
		if _, there := claims[name]; !there {
			claims[name] = value
		}
	}
	return nil
}

// Role is the highest one that the claim gives.
func Role(provider account.Provider, claims map[string]any) role.Role {
	found := role.Parse(provider.Default)
	if provider.Claim == "email" && claims["email_verified"] != true {
		return found // anybody may claim an address
	}
	values, is := claims[provider.Claim].([]any)
	if !is {
		values = []any{claims[provider.Claim]}
	}
	for _, value := range values {
		if text, is := value.(string); is {
			found = max(found, role.Parse(provider.Roles[text]))
		}
	}
	return found
}

// called is by what the audit names somebody. A mail address counts if the provider vouches for it.
func called(claims map[string]any, subject string) string {
	if mail, _ := claims["email"].(string); mail != "" && claims["email_verified"] == true {
		return "oidc:" + mail
	}
	if user, _ := claims["preferred_username"].(string); user != "" {
		return "oidc:" + user + " (" + subject + ")"
	}
	return "oidc:" + subject
}

// find asks the provider where its endpoints are, once.
func (l *Logins) find(ctx context.Context, settings account.Provider) (*known, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.known != nil && same(l.known.settings, settings) {
		return l.known, nil
	}
	client, err := trusting(settings.CA)
	if err != nil {
		return nil, err
	}
	// Its keys are asked for later, too, so this context must not end with the request.
	lasting := oidc.ClientContext(context.WithoutCancel(ctx), client)
	provider, err := oidc.NewProvider(lasting, settings.Issuer)
	if err != nil {
		return nil, fmt.Errorf("the provider %s does not answer: %w", settings.Issuer, err)
	}
	var offers struct {
		Scopes []string `json:"scopes_supported"`
	}
	if err := provider.Claims(&offers); err != nil {
		return nil, err
	}
	scopes := []string{oidc.ScopeOpenID, "profile", "email"}
	// One of its own that tells the claim; some refuse a scope that they do not know.
	if slices.Contains(offers.Scopes, settings.Claim) && !slices.Contains(scopes, settings.Claim) {
		scopes = append(scopes, settings.Claim)
	}
	l.known = &known{settings, provider, client, scopes}
	return l.known, nil
}

func same(a, b account.Provider) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

func trusting(authority string) (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if authority != "" {
		trusted, err := x509.SystemCertPool()
		if err != nil {
			trusted = x509.NewCertPool()
		}
		if !trusted.AppendCertsFromPEM([]byte(authority)) {
			return nil, errors.New("the authority of the provider's certificate is no PEM")
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}
	}
	return &http.Client{Transport: transport, Timeout: patience}, nil
}

func (k *known) config() *oauth2.Config {
	to, _ := url.JoinPath(k.settings.URL, Callback)
	return &oauth2.Config{
		ClientID:     k.settings.ClientID,
		ClientSecret: k.settings.ClientSecret,
		Endpoint:     k.provider.Endpoint(),
		RedirectURL:  to,
		Scopes:       k.scopes,
	}
}

const name = "dagnix-oidc"

func (l *Logins) cookie(value string, seconds int) *http.Cookie {
	return &http.Cookie{
		Name: name, Value: value, Path: l.Path + "/gate/oidc", MaxAge: seconds,
		Secure: l.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

func codec(key []byte) *securecookie.SecureCookie {
	sign := sha256.Sum256(append([]byte("oidc sign:"), key...))
	encrypt := sha256.Sum256(append([]byte("oidc encrypt:"), key...))
	return securecookie.New(sign[:], encrypt[:]).MaxAge(int(begun.Seconds()))
}

func random() string { return oauth2.GenerateVerifier() }
