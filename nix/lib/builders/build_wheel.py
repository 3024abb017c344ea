"""Build the wheel of a source archive, without the network.

Runs inside a Nix build, in an environment that has what the archive asks for to be built, with pip
on the path. ``OUT`` becomes a folder that holds the wheel and nothing else, the same bytes on each
run. What keeps it from being built stands in a line that begins with ``REFUSED``, which
``./dagnix lock`` shows. With ``--compiler`` gcc is on the path, too, and the wheel may be for one
kind of machine; `/` is then a root file system of Debian's, with a shell.

usage: python build_wheel.py ARCHIVE OUT [--compiler]
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
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
NEEDS_COMPILER = "it needs a compiler"  # src/dagnix/locks/solve/source_archives.py; or a shell
SHELL = re.compile(r"/bin/sh: (?:No such file|not found)|No such file or directory: '/bin/sh'")
PROGRAM = r"(?:gcc|g\+\+|c\+\+|\bcc)(?![\w.])"
NO_COMPILER = re.compile(
    rf"(?:No such file or directory|not found|failed).*{PROGRAM}"
    rf"|{PROGRAM}.*(?:No such file or directory|not found)"
    r"|no acceptable C(?:\+\+)? compiler|Unknown compiler\(s\)"
)
ERROR = re.compile(r"[\w.]*error: \S", re.IGNORECASE)
ADD = (
    "put the Debian package that has it into build-packages in [tool.dagnix] of the location's "
    "pyproject.toml"
)
# What a build lacks, in the words of gcc, of the linker, and of Python and shells.
LACKS = {
    re.compile(r"fatal error: (\S+): No such file or directory"): f"it includes {{}}: {ADD}",
    re.compile(r"cannot find -l(\S+?):? "): f"it links to lib{{}}: {ADD}",
    re.compile(r"^\s*(\S+:\d+:\d+: error: .+)$", re.MULTILINE): "it does not compile: {}",
    NO_COMPILER: NEEDS_COMPILER,
    SHELL: NEEDS_COMPILER,
    re.compile(
        r"FileNotFoundError: \[Errno 2\] No such file or directory: '([\w.+-]+)'$"
        r"|\bsh: (?:line \d+: )?([\w.+-]+): (?:command )?not found",
        re.MULTILINE,
    ): f"it calls {{}}: {ADD}",
}


def has_network() -> bool:
    """Tell whether there is more than loopback, as only a sandbox takes it away."""
    names = [line.partition(":")[0].strip() for line in INTERFACES.read_text().splitlines()[2:]]
    return any(name != "lo" for name in names)


def unpacked(archive: Path, folder: Path) -> Path:
    """Unpack into ``folder``, and return the one folder that an archive holds."""
    # Unpacked by pip it would lie in a folder of another name each time, which compilers note.
    safe = (
        {"filter": "data"} if hasattr(tarfile, "data_filter") and archive.suffix != ".zip" else {}
    )
    shutil.unpack_archive(archive, folder, **safe)
    (found,) = folder.iterdir()
    return found


def build(archive: Path, out: Path, *, compiler: bool) -> str:
    """Build, and return why there is no wheel that can be used; "" if there is one."""
    if has_network():
        return "Nix builds without a sandbox here (./dagnix doctor), and it might download"
    # Where Nix has a sandbox, this is of one name on each machine.
    home = Path(tempfile.gettempdir(), "home")
    source = Path(tempfile.gettempdir(), "source")
    home.mkdir()
    try:
        project = unpacked(archive, source)
    except (OSError, ValueError, shutil.ReadError, tarfile.TarError) as error:
        return f"it cannot be unpacked: {error}"
    words = ["wheel", "--no-build-isolation", "--no-cache-dir", f"--wheel-dir={out}"]
    done = pip(*words, str(project), home=home)
    if done.returncode:
        return reason(done.stdout)
    wheel = next(out.iterdir())
    if wheel.name.endswith(EVERY_MACHINE):
        return ""
    if not compiler:
        return NEEDS_COMPILER
    fits = pip("install", "--dry-run", "--ignore-installed", str(wheel), home=home)
    return f"it makes {wheel.name}, which is not for this machine" if fits.returncode else ""


def pip(command: str, *words: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run pip without an index, and print what it says."""
    own = [sys.executable, "-m", "pip", command, "--no-index", "--no-deps"]
    done = subprocess.run(
        [*own, "--disable-pip-version-check", *words],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, "HOME": str(home)},
    )
    print(done.stdout)
    return done


def reason(output: str) -> str:
    """Return why it did not build, from what pip printed."""
    if any(words in output for words in NO_NETWORK):
        return "it downloads while it is installed"
    for pattern, said in LACKS.items():
        if found := pattern.search(output):
            return said.format(*filter(None, found.groups()))
    own, found, _ = output.rpartition("[end of output]")
    said = own.rpartition("of output]")[2] if found else output
    lines = [line for each in said.splitlines() if (line := each.strip(" │╰─>"))]
    # Some explain an error at length.
    named = [line for line in lines if ERROR.match(line)]
    return (named or lines or ["pip printed nothing"])[-1].rstrip(".")


def main() -> int:
    """Read the command line and build."""
    archive, out, *options = sys.argv[1:]
    if why := build(Path(archive), Path(out), compiler="--compiler" in options):
        print(f"{REFUSED}{why}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
