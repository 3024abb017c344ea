"""A deploy from the check of the code to the line in the history."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from dagnix import UserError, console
from dagnix.code import mount
from dagnix.code import secrets as code_secrets
from dagnix.deploy import cutover, drain, generations, history
from dagnix.deploy.terms import Terms
from dagnix.images import tags
from dagnix.project import Project
from dagnix.stack import health
from dagnix.versions import hosts


@contextmanager
def served_code_stays() -> Iterator[None]:
    """Say so when what is done before the switch fails."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{error}\nThe code that is served stays as it was.") from error


def deploy(project: Project, service: str, release: history.Release, terms: Terms) -> None:
    """Serve the code of an image that podman has.

    Raises:
        UserError: the code does not load or is not served; what was served goes on.

    """
    present, descriptions = cutover.prepare(project, service)
    old = generations.serving(project, service, present)
    history.note_present(project, service, old.image_id)
    same = old.image_id == release.image_id and old.mounted == mount.folder(project, service)
    if same and not code_secrets.changed_since(project, service, old.started):
        tags.make_current(project, service, release.image_id)
        cutover.ensure_served(project, old, terms.wait)
        drain.begin(project)
        console.out.print("Nothing to do: this image is what is served.")
        return
    with served_code_stays():
        hosts.require_code(project, present, service, release.image_id)
        new = cutover.start_beside(project, old, release.image_id, descriptions, terms.wait)
    cutover.cut_over(project, new)
    health.ask(project, new)
    tags.retain(project, service, release.image_id)
    history.add(project, service, release)
    console.out.print(f"Live: {new.digest}")
    with suppress(UserError):  # it may be what this deploy mends
        if left := generations.runs(project, old):
            console.out.print(
                f"{len(left)} run(s) in flight end on the old code; its container goes after the "
                "last (./dagnix status)."
            )
    drain.begin(project, terms.limit * 60, terms.afterwards)
