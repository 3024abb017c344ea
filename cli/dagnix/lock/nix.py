"""Packages of this repository's flake, for what has to run before the command line is there."""

from pathlib import Path

from dagnix import UserError
from dagnix.lock.checkout import Checkout
from dagnix.lock.command import CommandError, last_error, run


def build(checkout: Checkout, package: str) -> Path:
    """Build a package, keep it from the garbage collector, and return the link to it.

    Its locked inputs must be in the store.
    Raises UserError if Nix cannot build it.
    """
    link = checkout.roots / package
    link.parent.mkdir(parents=True, exist_ok=True)
    features = ["--extra-experimental-features", "nix-command flakes"]
    try:
        run(["nix", *features, "build", f"{checkout.root}#{package}", "--out-link", link])
    except CommandError as error:
        raise UserError(
            f"Nix cannot build {package} ({last_error(error.output)}): see `nix build .#{package}`."
        ) from error
    return link
