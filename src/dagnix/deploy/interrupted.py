"""Deploys that were killed: `up`, the next deploy, or the start at boot finishes what they left."""

from dagnix import console
from dagnix.deploy import code_containers
from dagnix.faults import Faults
from dagnix.images import tags
from dagnix.project import Project
from dagnix.stack import containers
from dagnix.stack.containers import Container


def finish(project: Project, service: str) -> list[Container]:
    """Finish or undo what a killed deploy has left; return all containers as they are then."""
    present = containers.everything(project)
    draining = [
        each
        for each in present
        if each.service == service
        and each.draining
        and (each.running or code_containers.wake(project, each))
    ]
    if not draining:
        return present
    new = code_containers.in_compose(present, service)
    host = code_containers.served(project, [*([new] if new else []), *draining])
    if served := next((each for each in draining if each.host == host), None):
        # It was killed before the cut-over: the container that was set aside still serves.
        if new:
            code_containers.remove(project, new)
        code_containers.restore_name(project, served)
        tags.give_compose_name(project, service, served.image_id)
        console.warned("A deploy was interrupted before the cut-over: what it left is removed")
        return containers.everything(project)
    return present


def finish_all(project: Project, faults: Faults) -> list[Container]:
    """Finish or undo what killed deploys have left; return all containers as they are then.

    What cannot be finished is a fault of its location.
    """
    present = containers.everything(project)
    services = {each.service for each in present if each.draining}
    for service in services:
        with faults.of(service):
            finish(project, service)
    return containers.everything(project) if services else present
