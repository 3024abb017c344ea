"""`podman-compose` that starts each container as soon as it is made, and pins its bridges.

podman-compose makes all containers before it starts the first. No service depends on another, so
Postgres can make its cluster while podman makes the others. Each bridge is pinned before the next
container starts and asks for names.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dagnix import UserError
from dagnix.project import Project
from dagnix.stack import podman_compose
from dagnix.stack.bridge import Bridges


class _FirstStart(podman_compose.Engine):
    def __init__(self, *rest: Any) -> None:
        super().__init__(*rest)
        self._started = set[str]()
        self._bridges: Bridges | None = None

    async def run(
        self,
        options: list[str],
        command: str = "",
        words: Sequence[object] | None = None,
        **more: Any,
    ) -> int | None:
        given = [str(word) for word in words or ()]
        if command == "create" and given:
            code = await self.run(options, "run", ["--detach", *given], **more)
            if code == 0:
                self._started.add(given[0].removeprefix("--name="))
            return code
        if command == "start" and self._started.issuperset(given):
            return 0
        code = await super().run(options, command, given, **more)
        if command in {"run", "start"}:
            # The networks have been made by now.
            self._bridges = self._bridges or Bridges(_project())
            await asyncio.to_thread(self._bridges.pin)
        return code


def _project() -> Project:
    """Return what `dagnix.stack.compose.compose` has told podman-compose."""
    return Project(Path(os.environ["DAGNIX_ROOT"]), os.environ)


def main() -> None:
    """Run podman-compose with the arguments of this program."""
    try:
        podman_compose.main(_FirstStart)
    except UserError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
