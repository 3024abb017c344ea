package oidc

import (
	"testing"

	"dagnix/gate/internal/account"
	"dagnix/gate/internal/role"
)

func TestTheHighestRoleOfTheClaimCounts(t *testing.T) {
	by := func(claim, otherwise string) account.Provider {
		return account.Provider{Claim: claim, Default: otherwise, Roles: map[string]string{"team": "operator", "platform": "admin", "a@b.c": "admin"}}
	}
	for _, each := range []struct {
		provider account.Provider
		claims   map[string]any
		want     role.Role
	}{
		{by("groups", ""), map[string]any{"groups": []any{"team", "platform", "x"}}, role.Admin},
		{by("groups", "viewer"), map[string]any{"groups": []any{"x", 1}}, role.Viewer},
		{by("groups", ""), map[string]any{"groups": "team"}, role.Operator},
		{by("groups", ""), map[string]any{"groups": map[string]any{"team": true}}, role.None},
		{by("groups", ""), nil, role.None},
		{by("email", ""), map[string]any{"email": "a@b.c", "email_verified": true}, role.Admin},
		// Anybody may claim an address.
		{by("email", ""), map[string]any{"email": "a@b.c"}, role.None},
		{by("email", ""), map[string]any{"email": "a@b.c", "email_verified": "true"}, role.None},
	} {
		if got := Role(each.provider, each.claims); got != each.want {
			t.Errorf("%v: %v, not %v", each.claims, got, each.want)
		}
	}
}

func TestNames(t *testing.T) {
	for want, claims := range map[string]map[string]any{
		"oidc:a@b.c":      {"email": "a@b.c", "email_verified": true},
		"oidc:anna (s-1)": {"email": "a@b.c", "preferred_username": "anna"},
		"oidc:s-1":        {},
	} {
		if got := called(claims, "s-1"); got != want {
			t.Errorf("%s, not %s", got, want)
		}
	}
}
