"""`podman-compose up --no-start` that only says how it would have podman make containers.

Before it makes one it asks podman a dozen questions, each a twelfth of a second. Here they are all
answered as if everything was there but the containers; each container is a line of JSON, the words
for `podman create`.
"""

import json
from collections.abc import Sequence
from typing import Any

from dagnix.stack import podman_compose


class _Told(podman_compose.Engine):
    async def output(self, *_: object) -> bytes:
        return b"podman version 0"

    async def existing_containers(self, _: str) -> dict[str, object]:
        return {}

    async def run(
        self,
        options: list[str],  # noqa: ARG002 - podman's own, which say nothing of a container
        command: str = "",
        words: Sequence[object] | None = None,
        **_: Any,
    ) -> int | None:
        if command == "create":
            print(json.dumps(self.with_time_to_stop(words or ())))
        return 0


def main() -> None:
    """Run podman-compose with the arguments of this program."""
    podman_compose.main(_Told)


if __name__ == "__main__":
    main()
