"""podman-compose with another way to run podman: the programs in this folder."""

import asyncio
import sys
from collections.abc import Sequence
from typing import Any

from podman_compose import Podman, PodmanCompose, PodmanComposeError, str_to_seconds
from podman_compose import podman_compose as original


class Engine(Podman):
    """Podman, which is told how long each container that it makes may take to stop.

    podman-compose heeds `stop_grace_period` only when it stops containers itself. All else gives
    them 10 seconds: a shutdown of the host, `podman restart`, a deploy.
    """

    async def run(
        self,
        options: list[str],
        command: str = "",
        words: Sequence[object] | None = None,
        **more: Any,
    ) -> int | None:
        """Run podman; `words` follow on the command, which `options` precede."""
        given = [str(word) for word in words or ()]
        if command in {"create", "run"}:
            given = self.with_time_to_stop(given)
        return await super().run(options, command, given, **more)

    def with_time_to_stop(self, words: Sequence[object]) -> list[str]:
        """Return the words of a container that is made, with its `stop_grace_period`."""
        given = [str(word) for word in words]
        places = (place for place, word in enumerate(given) if word.startswith("--name="))
        place = next(places, None)
        if place is None:
            return given
        service = self.compose.container_by_name.get(given[place].removeprefix("--name="), {})
        seconds = str_to_seconds(service.get("stop_grace_period"))
        if seconds is not None:
            given.insert(place + 1, f"--stop-timeout={seconds}")
        return given


class Compose(PodmanCompose):
    """podman-compose 1.6 with all its commands, which has an `engine` in place of its Podman."""

    def __init__(self, engine: type[Engine]) -> None:
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


def main(engine: type[Engine]) -> None:
    """Run podman-compose with the arguments of this program."""
    try:
        asyncio.run(Compose(engine).run())
    except PodmanComposeError as error:
        sys.exit(f"Error: {error}")
