"""The Dagster of the webserver and the daemon that run: what `up` and `deploy` go by."""

from collections.abc import Iterable, Mapping

from dagnix import UserError
from dagnix.project import Project
from dagnix.stack.containers import Container
from dagnix.versions import compatibility, inspection

SERVICES = ("webserver", "daemon")


def require_code(
    project: Project, present: Iterable[Container], location: str, image_id: str
) -> None:
    """Require that an image's Dagster is not newer than that of the webserver and the daemon.

    Raises:
        UserError: it is, or the image does not tell.

    """
    own = {each.service: each.version for each in present if each.service in SERVICES}
    compatibility.require_not_newer({location: inspection.dagster(project, image_id)}, own)


def require_same_dagster(present: Iterable[Container], versions: Mapping[str, str]) -> None:
    """Require that containers which are to get another image keep their Dagster.

    `versions` are those of the new images, by service.

    Raises:
        UserError: ./dagnix upgrade is what is needed.

    """
    for each in present:
        if each.service in SERVICES and each.version != versions[each.service]:
            raise UserError(
                f"The {each.service} that is there has Dagster {each.version}, and its new image "
                f"{versions[each.service]}: run `./dagnix upgrade`, which backs the database up, "
                "migrates it, and replaces service by service. Nothing was changed."
            )
