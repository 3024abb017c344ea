"""Build the wheel of a source archive, without the network.

Runs inside a Nix build, in an environment that has what the archive asks for to be built, with pip
on the path. ``OUT`` becomes a folder that holds the wheel and nothing else, the same bytes on each
run. What keeps it from being built stands in a line that begins with ``REFUSED``, which
``./dagnix lock`` shows.

usage: python build_wheel.py ARCHIVE OUT
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

REFUSED = "refused: "
EVERY_MACHINE = "-none-any.whl"
INTERFACES = Path("/proc/net/dev")
# In the words of the C library, of the kernel and of Python.
NO_NETWORK = (
    "Name or service not known",
    "Temporary failure in name resolution",
    "No address associated with hostname",
    "Network is unreachable",
    "Cannot assign requested address",
    "Connection refused",
    "Could not resolve host",
)
COMPILER = re.compile(r"(?:No such file or directory|not found|failed).*(?:gcc|g\+\+|\bcc)\b")


def has_network() -> bool:
    """Tell whether there is more than loopback, as only a sandbox takes it away."""
    names = [line.partition(":")[0].strip() for line in INTERFACES.read_text().splitlines()[2:]]
    return any(name != "lo" for name in names)


def under_own_name(archive: Path, folder: Path) -> Path:
    """Link a store path into ``folder`` without the store's hash: pip reads the name."""
    link = folder / archive.name.split("-", maxsplit=1)[1]
    link.symlink_to(archive)
    return link


def build(archive: Path, out: Path) -> str:
    """Build, and return why there is no wheel that all machines can have; "" if there is one."""
    if has_network():
        return "Nix builds without a sandbox here (./dagnix doctor), and it might download"
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable, "-m", "pip", "wheel", "--no-index", "--no-deps", "--no-build-isolation",
            "--no-cache-dir", "--disable-pip-version-check", f"--wheel-dir={out}",
            str(under_own_name(archive, Path(folder))),
        ]  # fmt: skip
        environment = {**os.environ, "HOME": folder, "TMPDIR": folder}
        done = subprocess.run(
            command,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=environment,
        )
    print(done.stdout)
    if done.returncode:
        return reason(done.stdout)
    name = next(out.iterdir()).name
    return "" if name.endswith(EVERY_MACHINE) else f"it makes {name}, which is for one machine only"


def reason(output: str) -> str:
    """Return why it did not build, from what pip printed."""
    if any(words in output for words in NO_NETWORK):
        return "it downloads while it is installed"
    if COMPILER.search(output):
        return "it needs a compiler"
    own, found, _ = output.rpartition("[end of output]")
    lines = [line.strip(" │╰─>") for line in (own if found else output).splitlines()]
    return next((line for line in reversed(lines) if line), "pip printed nothing")


def main() -> int:
    """Read the command line and build."""
    archive, out = map(Path, sys.argv[1:])
    if why := build(archive, out):
        print(f"{REFUSED}{why}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
