"""Writes nix/locks/*.json: each ecosystem's own solver says which files are needed."""
