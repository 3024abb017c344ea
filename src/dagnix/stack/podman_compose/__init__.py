"""podman-compose with another way to run podman: the programs in this folder."""

import asyncio
import sys

from podman_compose import Podman, PodmanCompose, PodmanComposeError
from podman_compose import podman_compose as original


class Compose(PodmanCompose):
    """podman-compose 1.6 with all its commands, which has an `engine` in place of its Podman."""

    def __init__(self, engine: type[Podman]) -> None:
        super().__init__()
        self._engine = engine
        self.commands = dict(original.commands)

    @property
    def podman(self) -> Podman:
        """What runs podman."""
        return self._podman

    @podman.setter
    def podman(self, made: Podman) -> None:
        self._podman = self._engine(self, made.podman_path, made.dry_run, made.semaphore)


def main(engine: type[Podman]) -> None:
    """Run podman-compose with the arguments of this program."""
    try:
        asyncio.run(Compose(engine).run())
    except PodmanComposeError as error:
        sys.exit(f"Error: {error}")
