"""The host: its podman, its Nix, its git, and what they need to work here."""
