"""The roles that further code locations have in the stack's Postgres: two each."""

from contextlib import suppress

from dagnix import UserError, code_locations
from dagnix.access import secret_files
from dagnix.host.podman import podman
from dagnix.project import Project
from dagnix.stack import containers, lifecycle
from dagnix.stack.health import PROGRAM

FAILURE = "Postgres does not give the code locations their roles"


def ensure(project: Project) -> set[str]:
    """Have a password for each further code location, and its roles in the Postgres that runs.

    One that does not run, or is to be replaced, reads the passwords when it starts; one outside the
    stack is its administrator's. Return the locations whose password is new.

    Raises:
        UserError: a password cannot be written, or Postgres does not do it.

    """
    others = code_locations.others(project.root)
    new = secret_files.ensure_locations(project.secrets, others)
    if not others:
        return new
    present = [each for each in containers.containers(project) if each.service == "postgres"]
    if present and not lifecycle.outdated(project, present):
        apply(project)
    return new


def apply(project: Project) -> list[str] | None:
    """Have the Postgres that runs give all that have a password their roles.

    Return those of the locations' data; None without a Postgres of the stack's own that runs.
    Raises as `ensure`.
    """
    for each in containers.containers(project):
        if each.service == "postgres" and each.running:
            told = podman(project, "exec", each.name, PROGRAM, "roles", failure=FAILURE)
            return told.output.split()
    return None


def add(project: Project, location: str) -> bool:
    """Give one location a password, and its roles in the Postgres that runs; tell if that is new.

    Raises as `ensure`; and UserError if Postgres was started before it could have any.
    """
    new = secret_files.ensure_locations(project.secrets, [location])
    given = apply(project)
    if given is not None and code_locations.role(location) not in given:
        raise UserError(
            "Postgres runs without the folder of the code locations' passwords, as it was started "
            "before there was one: `./dagnix up` starts it anew."
        )
    return bool(new)


def take_back(project: Project, location: str) -> None:
    """Undo what `add` has made new, unless there is data."""
    (project.secrets / secret_files.LOCATIONS / location).unlink(missing_ok=True)
    name, runs = code_locations.role(location), code_locations.run_role(location)
    words = [
        "psql",
        "-h",
        "/run/postgresql",
        "-U",
        "postgres",
        "-d",
        "dagster",
        "--single-transaction",
    ]
    roles = f"{name}, {runs}"
    words += ["-c", f"DROP SCHEMA {name}", "-c", f"REVOKE ALL ON DATABASE dagster FROM {roles}"]
    words += ["-c", f"DROP ROLE {roles}"]
    for each in containers.containers(project):
        if each.service == "postgres" and each.running:
            podman(project, "exec", each.name, *words, failure="", check=False)
            with suppress(UserError):  # the connections are shared among fewer
                apply(project)
