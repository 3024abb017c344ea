"""go.mod and go.sum of this repository's Go modules → nix/locks/go.json."""

import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from dagnix import UserError
from dagnix.checkout import Checkout
from dagnix.locks import inputs, lockfile, store
from dagnix.locks.command import last_error
from dagnix.locks.fetch import everything, golang
from dagnix.process import CommandError

# The folders of all Go modules in Dagnix.
MODULES = ("nix/tools", "src/entrypoint", "src/gate", "tests/kubernetes/cluster")


def update(checkout: Checkout, *, upgrade: bool) -> list[str]:
    """Write the lock anew and return what changed; with `upgrade` the modules are the newest.

    Those of tests stay as they are, since their versions are chosen to fit each other. go.mod and
    go.sum are brought up to date with what the code imports.
    Raises UserError in a project of its own, whose images hold Dagnix's programs as they are.
    """
    if not checkout.is_dagnix:
        raise UserError("The Go modules are Dagnix's own: run ./dagnix lock go in its checkout.")
    everything.toolchain(checkout)
    go = golang.Go(checkout)
    old = lockfile.read(checkout.lock("go"))
    new = {}
    lines = []
    for module in MODULES:
        folder = checkout.source / module
        before = requirements((folder / "go.mod").read_text())
        if upgrade and not module.startswith(inputs.FOR_TESTS):
            _upgrade(go, folder, direct(before))
        _go(go, folder, "mod", "tidy")
        new[module] = {"vendor": _vendor(go, folder)}
        changed = _describe(before, requirements((folder / "go.mod").read_text()))
        if not changed and new[module] != old.get(module):
            changed = [f"{module}: other files of the same modules"]
        lines += changed
    lockfile.write(checkout.lock("go"), new)
    return lines


def _upgrade(go: golang.Go, folder: Path, modules: list[str]) -> None:
    for module in modules:
        try:
            go(folder, "get", f"{module}@latest")
        except CommandError as error:
            # Most often the newest wants a newer Go than Debian's.
            print(f"{module} stays: {last_error(error.output)}", file=sys.stderr)


def _go(go: golang.Go, folder: Path, *arguments: str) -> None:
    try:
        go(folder, *arguments)
    except CommandError as error:
        raise UserError(
            f"`go {' '.join(arguments)}` fails in {folder} ({last_error(error.output)}): "
            "check its imports, the network and `go env GOPROXY`."
        ) from error


def _vendor(go: golang.Go, folder: Path) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch) / "vendor"
        golang.make(go, folder, directory)
        return store.hash_directory(directory)


def requirements(text: str) -> dict[str, tuple[str, bool]]:
    """Return module → (version, whether the code imports it directly) of a go.mod."""
    found = re.findall(
        r"^\s*(?:require\s+)?([\w./~-]+)\s+(v\S+)\s*(// indirect)?\s*$", text, re.MULTILINE
    )
    return {module: (version, not indirect) for module, version, indirect in found}


def direct(modules: Mapping[str, tuple[str, bool]]) -> list[str]:
    """Return the names of the modules that the code imports directly."""
    return [module for module, (_, is_direct) in modules.items() if is_direct]


def _describe(
    before: Mapping[str, tuple[str, bool]], after: Mapping[str, tuple[str, bool]]
) -> list[str]:
    lines = []
    for module in sorted(before.keys() | after.keys()):
        old, new = before.get(module, ("", False))[0], after.get(module, ("", False))[0]
        if not old:
            lines.append(f"{module} added, {new}")
        elif not new:
            lines.append(f"{module} removed, was {old}")
        elif old != new:
            lines.append(f"{module} {old} → {new}")
    return lines
