"""Which versions are compatible. Each function raises UserError for those that are not.

Dagster's own promises: nothing public breaks within a major version
(https://docs.dagster.io/about/releases), and the webserver and the daemon are to be at least as new
as the Dagster of every code location (https://github.com/dagster-io/dagster/pull/24210).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

from dagnix import UserError


@dataclass(frozen=True)
class Schema:
    """Alembic's revisions of Dagster's tables: those of the database, and an image's.

    `newest` is what the image's Dagster migrates to, `known` what it can migrate from.
    """

    database: frozenset[str]
    newest: frozenset[str]
    known: frozenset[str]

    @property
    def behind(self) -> bool:
        """Whether a migration has something to do."""
        return self.database != self.newest


def parsed(version: str) -> Version:
    """Return a version that can be compared. Raises UserError if it is none."""
    try:
        return Version(version)
    except InvalidVersion as error:
        raise UserError(f"{version!r} is no version of Dagster.") from error


def is_newer(one: str, other: str) -> bool:
    """Tell whether a version is newer than another. Raises as `parsed`."""
    return parsed(one) > parsed(other)


def require_same_major(now: Iterable[str], then: str) -> None:
    """Require that no version in `now` is of another major version than `then`."""
    for version in now:
        if parsed(version).major != parsed(then).major:
            raise UserError(
                f"Dagster {version} and {then} are of different major versions, between which "
                "anything may change, and ./dagnix upgrade does not go from one to the other. Stay "
                f"with dagster=={parsed(version).major}.* in pyproject.toml (./dagnix lock python)."
            )


def require_known(schema: Schema, version: str) -> None:
    """Require that a Dagster knows the schema that the database has."""
    if unknown := schema.database - schema.known:
        raise UserError(
            f"Dagster {version} does not know the schema that the database has: its revision is "
            f"{_listed(unknown)}, and the newest that {version} knows is {_listed(schema.newest)}. "
            "A newer Dagster has migrated it: stay with that one, or restore the backup from "
            "before (docs/howto/upgrade.md)."
        )


def require_not_newer(codes: Mapping[str, str], hosts: Mapping[str, str]) -> None:
    """Require that no code location has a newer Dagster than the webserver and the daemon.

    Both arguments are versions by service.
    """
    for service, version in codes.items():
        for host, own in hosts.items():
            if is_newer(version, own):
                raise UserError(
                    f"The code of {service} has Dagster {version}, and the {host} has {own}, which "
                    "is older: Dagster promises only that a newer webserver and daemon work with "
                    "older code. Upgrade them first: `./dagnix lock python --upgrade`, then "
                    "`./dagnix upgrade`."
                )


def require_same_postgres(data: str, image: str) -> None:
    """Require that an image runs the major version of PostgreSQL whose data is in the volume."""
    major = image.partition(".")[0]
    if data != major:
        raise UserError(
            f"The volume holds data of PostgreSQL {data}, which the image's {major} cannot read: "
            f"keep postgresql-{data} in nix/debian.toml, or start an instance of another name with "
            f"{major} and restore a backup into it (docs/howto/backup-and-restore.md)."
        )


def _listed(revisions: Iterable[str]) -> str:
    return ", ".join(sorted(revisions)) or "none"
