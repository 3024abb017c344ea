"""Write the stack as manifests for Kubernetes.

docs/howto/kubernetes.md has all steps.
"""

import argparse
import sys

from dagnix import UserError, project
from dagnix.commands import command, group
from dagnix.images import build
from dagnix.images.push import Registry
from dagnix.kubernetes import services, settings
from dagnix.kubernetes.render import manifests


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    made = command(group(parser), "render", render)
    made.add_argument(
        "--env",
        dest="environment",
        metavar="NAME",
        help="the environment, as before the command",
    )
    made.add_argument(
        "--no-secrets",
        dest="with_secrets",
        action="store_false",
        help="leave out the Secrets, for a repository; something else must bring them",
    )


def render(given: argparse.Namespace) -> None:
    """Write the stack as manifests for kubectl to stdout.

    The images are those that Nix builds now, by their digests: send them with `./dagnix push`.
    Secrets are in the manifests, so keep them as you keep passwords.
    """
    here = project.of_environment(given.environment) if given.environment else project.current()
    text = here.environment["DAGNIX_REGISTRY"]
    if not text:
        raise UserError(
            "DAGNIX_REGISTRY is not set: it names the registry that `./dagnix push` sends the "
            "images to, such as registry.example.org/team. Write it into .env or into "
            "config/env/NAME.env."
        )
    registry = Registry(text)
    settings.require(here)
    found = services.read(here)
    made = settings.collect(here, registry, build.build(here), found)
    sys.stdout.write(manifests(made, with_secrets=given.with_secrets))
