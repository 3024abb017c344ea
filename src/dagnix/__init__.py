"""Dagnix's command line: it orders nix, podman, podman-compose and Dagster's GraphQL client."""


class UserError(Exception):
    """One clear sentence: what is wrong and what to do. Shown without a traceback."""
