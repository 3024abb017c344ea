"""Packages of this repository's flake, for what has to run before the command line is there."""

from pathlib import Path

from dagnix import UserError
from dagnix.checkout import Checkout
from dagnix.locks.command import last_error, output_of
from dagnix.process import CommandError


def build(checkout: Checkout, package: str) -> Path:
    """Build a package, keep it from the garbage collector, and return the link to it.

    Its locked inputs must be in the store.
    Raises UserError if Nix cannot build it.
    """
    link = checkout.roots / package
    link.parent.mkdir(parents=True, exist_ok=True)
    features = ["--extra-experimental-features", "nix-command flakes"]
    try:
        # Seen from inside the checkout: of an absolute path Nix 2.8 takes no @.
        command = ["nix", *features, "build", f".#{package}", "--out-link", str(link)]
        output_of(command, directory=checkout.root)
    except CommandError as error:
        raise UserError(
            f"Nix cannot build {package} ({last_error(error.output)}): see `nix build .#{package}`."
        ) from error
    return link
