"""`podman-compose` that pins each bridge before the next container starts and asks for names."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import podman_compose

from dagnix import UserError, compose
from dagnix.bridge import Bridges
from dagnix.project import Project


class _Pinning(podman_compose.Podman):
    bridges: Bridges | None = None

    async def run(self, options: list[str], command: str = "", *rest: Any, **more: Any) -> int:
        code = await super().run(options, command, *rest, **more)
        if command == "start":
            # The networks have been made by now.
            self.bridges = self.bridges or Bridges(_project())
            await asyncio.to_thread(self.bridges.pin)
        return code


def _project() -> Project:
    """Return what `dagnix.stack.compose` has told podman-compose."""
    return Project(Path(os.environ["COMPOSE_PROJECT_DIR"]), os.environ)


def main() -> None:
    """Run podman-compose with the arguments of this program."""
    podman_compose.Podman = _Pinning
    try:
        compose.main()
    except UserError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
