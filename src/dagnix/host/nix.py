"""`nix build` of the flake's packages, with its progress."""

import json
import re
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from dagnix import UserError
from dagnix.process import CommandError, run
from dagnix.project import Project

# Kinds of activity and of result in Nix's internal-json log (nix: src/libutil/logging.hh).
BUILD = 105
BUILD_LOG_LINE = 101
LAST_LINES = 10  # of a build that fails; Nix leaves them out of its message with this log format
_NAME = re.compile(r"/nix/store/[a-z0-9]{32}-(.*?)(?:\.drv)?'")
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


class Log:
    """Nix's internal-json log: shows each build as it starts and keeps what explains a failure."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self.show = show
        self.built = 0
        self._errors: list[str] = []
        self._last_lines: dict[int, deque[str]] = {}  # by activity
        self._derivations: dict[str, int] = {}  # the activity that builds each

    def line(self, text: str) -> None:
        """Take in one line of Nix's stderr."""
        if not text.startswith("@nix "):
            self._errors.append(text)
            return
        event: dict[str, Any] = json.loads(text.removeprefix("@nix "))
        if event.get("action") == "start" and event.get("type") == BUILD:
            self.built += 1
            match = _NAME.search(event["text"])
            if match:
                self._derivations[match[0].rstrip("'")] = event["id"]
            self.show(f"Building {match[1] if match else event['text']}")
        elif event.get("action") == "msg" and event.get("level") == 0:
            self._errors.append(ESCAPES.sub("", event["msg"]))
        elif event.get("action") == "result" and event.get("type") == BUILD_LOG_LINE:
            lines = self._last_lines.setdefault(event["id"], deque(maxlen=LAST_LINES))
            lines.append(ESCAPES.sub("", event["fields"][0]))

    def failure(self) -> str:
        """Return Nix's errors and, under each failed build, the last lines that it printed."""
        said = "\n".join(self._errors).strip()
        for derivation, activity in self._derivations.items():
            if derivation in said:  # what was not begun, as it depends on that, has no activity
                last = [f"  {line}" for line in self._last_lines.get(activity, ())]
                said = "\n".join([said, f"The last lines of {derivation}:", *last])
        return said


def build(project: Project, packages: Sequence[str], log: Log, *options: str | Path) -> list[Path]:
    """Build packages of the flake in one call; return their store paths.

    `options` go to `nix build`: --out-link FILE keeps the paths from garbage collection.

    Raises:
        UserError: with Nix's own words, or with a sentence about a full disk.

    """
    command = ["nix", "build", "--json", "--log-format", "internal-json", "-v", *options]
    # Seen from inside the checkout: of an absolute path Nix 2.8 takes no @.
    command += [f".#{package}" for package in packages]
    try:
        result = run(command, "Nix cannot build", line=log.line, cwd=project.root)
    except CommandError as error:
        said = log.failure()
        if error.result.no_space:
            raise UserError(
                "The disk of the Nix store is full: make room with `nix-collect-garbage`, or give "
                f"/nix a larger disk.\n{said}"
            ) from error
        plain = f"nix build {' '.join(f'.#{package}' for package in packages)}"
        raise UserError(f"Nix cannot build; `{plain}` says:\n{said}") from error
    return [Path(entry["outputs"]["out"]) for entry in json.loads(result.output)]
