"""A restore: beside what is served first, and in its place when it has been checked."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagnix import UserError, console
from dagnix.backups import service
from dagnix.backups.archive import Archive, Manifest
from dagnix.host.podman import podman
from dagnix.images import tags
from dagnix.locations import roles
from dagnix.project import Project
from dagnix.stack import compose, containers, health, recovery
from dagnix.stack.bridge import Bridges
from dagnix.versions import compatibility, inspection

# The database until it takes the place of the one that is served (src/entrypoint/internal/backup).
RESTORED = "dagster_restored"
MEBIBYTE = 2**20


def require_own(found: Manifest, here: Manifest) -> None:
    """Require that a backup is of this instance.

    Raises:
        UserError: it is another one's, also of one that has the same name.

    """
    if found.instance != here.instance:
        whose = f"{found.instance}, and this is {here.instance}"
    elif found.cluster != here.cluster:
        whose = (
            f"a {found.instance} with another database: on another host or in another checkout, or "
            "before `./dagnix down --volumes`"
        )
    else:
        return
    raise UserError(
        f"This is a backup of {whose}. --other-instance restores it all the same. Nothing was "
        "changed."
    )


def require_volumes(found: Manifest, here: Manifest) -> None:
    """Require that there is a volume for all files. Raises UserError."""
    if missing := set(found.volumes) - set(here.volumes):
        raise UserError(
            f"The backup has files of {', '.join(sorted(missing))}, which the service backup does "
            "not have in this instance: add the code location first, then `./dagnix up`."
        )


def require_none_left(project: Project, name: str) -> None:
    """Require that what an earlier restore has replaced is not replaced by this one."""
    if service.ask(project, name, "kept", failure="Postgres does not answer"):
        raise UserError(
            "What the last restore has replaced is still kept, and this one would put what is "
            "served now in its place: `./dagnix backup` lets it go, `./dagnix restore --undo` "
            "brings it back. Nothing was changed."
        )


def beside(project: Project, name: str, archive: Archive) -> None:
    """Restore a backup beside what is served, and have this Dagster read it.

    Raises:
        UserError: it cannot be restored, or this Dagster does not know its tables.

    """
    members: dict[tuple[str, ...], str] = {
        ("roles",): "roles.sql",
        ("database",): "database.dump",
        ("settings",): "database.sql",
        **{("files", each): f"files/{each}.tar.gz" for each in archive.manifest.volumes},
    }
    with console.step("Restoring beside what is served", "Restored beside what is served") as step:
        for words, member in members.items():
            service.restore(project, name, words, _shown(archive, member, step))
    with console.step("Checking the restored database", "The restored database is checked"):
        version = inspection.labelled(project, tags.name(project, "webserver"))
        compatibility.require_known(inspection.schema(project, RESTORED), version)


def _shown(archive: Archive, member: str, step: console.Step) -> Iterator[bytes]:
    done = 0
    for chunk in archive.chunks(member):
        done += len(chunk)
        step.show(f"Restoring {member}: {done / MEBIBYTE:.0f} MiB")
        yield chunk


def exchange(project: Project, name: str, wait: float, how: str = "exchange") -> None:
    """Put what is restored in place of what is served, with all other services stopped meanwhile.

    `how` is `exchange` or `undo`; `wait` is how long each service may take to become healthy, in
    seconds. If it is interrupted, `finish` goes on.

    Raises:
        UserError: podman or Postgres does not do it; what to do stands in it.

    """
    with (
        _services_stopped(project, wait),
        console.step("Putting it in place", "It is in place, and what was there is kept"),
    ):
        _put_in_place(project, name, how)


def finish(project: Project) -> None:
    """Finish a restore that was interrupted while it put things in place, before services start.

    Raises:
        UserError: Postgres does not start, or does not do it.

    """
    if not _marker(project).exists():
        return
    console.warned("A restore was interrupted while it put things in place: it is finished now")
    failure = "podman-compose cannot start Postgres"
    compose.compose(project, "up", "--detach", "--no-recreate", *service.NEEDED, failure=failure)
    present = [each for each in containers.containers(project) if each.service in service.NEEDED]
    for each in present:
        health.wait(project, 120, each)
    with console.step("Putting it in place", "It is in place, and what was there is kept"):
        _put_in_place(project, service.container(project), _marker(project).read_text())


def _put_in_place(project: Project, name: str, how: str) -> None:
    failure = "The restore cannot be finished: cure what it says, and ./dagnix up goes on"
    steps = ["undo", "exchange"] if how == "undo" else ["exchange"]
    for step in steps:
        _note(project, step)
        service.ask(project, name, "restore", step, failure=failure)
    # Those of code locations that came after the backup are not in it.
    roles.apply(project)
    _marker(project).unlink()


def _note(project: Project, step: str) -> None:
    path = _marker(project)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".next")
    beside.write_text(step)
    beside.replace(path)


def _marker(project: Project) -> Path:
    """Return the file that says which step of putting things in place is under way."""
    return project.state / "restores" / project.name


@contextmanager
def _services_stopped(project: Project, wait: float) -> Iterator[None]:
    """Stop all containers but Postgres's and the one that restores; start them again."""
    others = [each for each in containers.everything(project) if each.service not in service.NEEDED]
    names = [each.name for each in others if each.running]
    with console.step("Stopping the services", "The services are stopped"):
        if names:
            words = ["stop", "--time", "10", *names]
            podman(project, *words, failure="Podman cannot stop the services")
    try:
        yield
    finally:
        recovery.finish(project)  # Ctrl-C may have come while they were stopped
        # They must not see files of one time and a database of another.
        if names and not _marker(project).exists():
            with console.step("Starting the services", "The services are started"):
                podman(project, "start", *names, failure="Podman cannot start the services")
            Bridges(project).pin()
    health.wait(project, wait)
