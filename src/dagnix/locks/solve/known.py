"""What is known of locked Debian packages, for those that are to stay at their versions."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from dagnix.locks import store
from dagnix.locks.command import output_of
from dagnix.locks.inputs import debian_files
from dagnix.locks.solve.apt import Apt, Stanza, parse
from dagnix.process import CommandError

# System, package, version → what the package depends on; None lets it move to the newest version.
KnownStanza = Callable[[str, str, str], Stanza | None]


def nothing(_system: str, _name: str, _version: str) -> None:
    """Let every package move."""
    return


def listed(apts: Mapping[str, Apt], old: Mapping[str, Any]) -> KnownStanza:
    """Keep every locked version that the indexes still have."""
    known = {
        system: {
            (stanza["Package"], stanza["Version"]): stanza
            for stanza in apt.show(
                f"{name}={entry['version']}"
                for name, entry in old.get("packages", {}).get(system, {}).items()
            )
        }
        for system, apt in apts.items()
    }
    return lambda system, name, version: known[system].get((name, version))


def all_but(
    apts: Mapping[str, Apt], old: Mapping[str, Any], moving: Mapping[str, Collection[str]]
) -> KnownStanza:
    """Keep every locked version but those of `moving`, which is system → packages.

    A version that the indexes no longer have is kept if its file is in the store.
    """
    in_indexes = listed(apts, old)
    files = {
        (system, file.package): file.store_path
        for system in apts
        for file in debian_files(old, system, with_compiler=True)
    }
    away = store.missing(files.values())

    def stanza_of(system: str, name: str, version: str) -> Stanza | None:
        if name in moving[system]:
            return None
        path = files[system, name]
        return in_indexes(system, name, version) or (None if path in away else _of_file(Path(path)))

    return stanza_of


def _of_file(deb: Path) -> Stanza | None:
    try:
        return parse(output_of(["dpkg-deb", "--field", deb]))[0]
    except CommandError:
        return None  # compressed in a way that the host's dpkg does not know: it moves as well
