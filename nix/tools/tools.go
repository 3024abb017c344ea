//go:build tools

// Package tools pins the layer maker the Go way; nothing of it is built but what it imports.
package tools

import _ "github.com/nlewo/nix2container"
