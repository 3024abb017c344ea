"""A database from before `./dagnix down`, which another Dagster may have left."""

from dagnix import console
from dagnix.host.podman import podman
from dagnix.images import tags
from dagnix.project import Project
from dagnix.stack.compose_files import is_external
from dagnix.versions import compatibility, inspection

VOLUME = "postgres-data"  # in compose.yaml


def may_have_data(project: Project) -> bool:
    """Tell whether the stack starts with a database that is there already."""
    words = ["volume", "exists", f"{project.name}_{VOLUME}"]
    there = podman(project, *words, failure="Podman does not tell volumes", check=False)
    return there.returncode == 0 or is_external(project)


def report(project: Project) -> None:
    """Say so if the database is to be migrated to the schema of the Dagster that runs.

    Raises:
        UserError: a newer Dagster has migrated it.

    """
    with console.step("Comparing the database's schema", "The database's schema is compared"):
        found = inspection.schema(project)
        version = inspection.labelled(project, tags.name(project, "webserver"))
    compatibility.require_known(found, version)
    if found.behind:
        console.warned(
            f"The database has the schema of an older Dagster than {version}, which works with it "
            "but for what is new: ./dagnix upgrade backs it up and migrates it."
        )
