"""Someone who follows the documentation, word by word."""

import os
import secrets
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from support import checkout
from support.command import TIMEOUT_SECONDS, run
from support.stack import ROOT, free_port

# Where files come from is the machine's business; the rest of these belongs to one instance.
SOURCES = ("DAGNIX_FILES", "DAGNIX_DEBIAN_")
INSTANCE = ("DAGNIX_", "COMPOSE_", "CONTAINERS_CONF", "DAGSTER_", "STORAGE_PG_", "GIT_CONFIG_")


@dataclass(frozen=True)
class Reader:
    """A clone of the checkout as it is now, and a terminal in it.

    Images, containers, networks and volumes are named after `version`, which nobody else has.
    """

    folder: Path
    version: str = field(default_factory=lambda: f"docs-{secrets.token_hex(4)}")
    port: int = field(default_factory=free_port)

    @property
    def clone(self) -> Path:
        return self.folder / "clone"

    @property
    def environment(self) -> Mapping[str, str]:
        """What the terminal's environment has in place of the tests' own."""
        path = os.environ["PATH"].split(os.pathsep)
        nix_config = os.environ.get("NIX_CONFIG", "")
        return {
            "PATH": os.pathsep.join(each for each in path if not each.startswith("/nix/store/")),
            "NIX_CONFIG": os.environ.get("DAGNIX_USER_NIX_CONFIG", nix_config),
            # Where the example code keeps its files without podman.
            "XDG_STATE_HOME": str(self.folder / "state"),
        }

    def make_clone(self) -> None:
        """Make a git repository of the checkout's files, whether they are committed or not."""
        checkout.copy(self.clone)
        version = (ROOT / "VERSION").read_text().strip()
        for name in ("VERSION", "compose.yaml"):
            file = self.clone / name
            file.write_text(file.read_text().replace(version, self.version))
        author = "-c user.name=Reader -c user.email=reader@example.org"
        self.run(f"git init --quiet && git add . && git {author} commit --quiet --message=Clone")
        self.start_over()

    def start_over(self) -> None:
        """Bring the clone back to its commit; the stack stays as it is."""
        self.run("git reset --quiet --hard && git clean --quiet --force -d")
        # Read by ./dagnix and by podman-compose.
        (self.clone / ".env").write_text(
            f"COMPOSE_PROJECT_NAME={self.version}\nDAGNIX_PORT={self.port}\n"
        )

    def run(self, script: str, seconds: float = TIMEOUT_SECONDS) -> str:
        """Run a script of sh in the clone and return what it printed, each command before it."""
        words = self._words(script)
        return run(words, env=self.environment, cwd=self.clone, seconds=seconds).stdout

    @contextmanager
    def running(self, script: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a script that does not end by itself, until the block ends; print what it printed."""
        file = self.folder / "output"
        with file.open("wb") as output:
            process = subprocess.Popen(
                self._words(script),
                cwd=self.clone,
                env={**os.environ, **self.environment, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            print(file.read_text())
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(TIMEOUT_SECONDS)
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    def _words(self, script: str) -> list[str | Path]:
        """Return the command that runs a script without what belongs to the tests' instance."""
        file = self.folder / "script.sh"
        file.write_text(f"exec 2>&1\nset -eux\n{script}\n")
        foreign = [n for n in os.environ if n.startswith(INSTANCE) and not n.startswith(SOURCES)]
        return ["env", *(f"--unset={name}" for name in foreign), "sh", file]
