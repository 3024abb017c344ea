"""The images: built by Nix as OCI layouts, loaded into podman, tagged there."""
