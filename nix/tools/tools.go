//go:build tools

// Package tools has the version of nix2container, the layer maker, locked in this folder's go.mod.
// The package itself is never built.
package tools

import _ "github.com/nlewo/nix2container"
