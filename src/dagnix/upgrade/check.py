"""Code, loaded by its new image before anything is changed."""

from dagnix import UserError, console
from dagnix.code.mount import DOES_NOT_LOAD
from dagnix.images.tags import under_retained_name
from dagnix.process import CommandError
from dagnix.project import Project
from dagnix.stack.compose import compose
from dagnix.stack.health import PROGRAM


def require_loads(project: Project, location: str, image_id: str) -> None:
    """Load the code of an image in a throwaway container, which serves nothing.

    Raises:
        UserError: it does not load; with the file and the line.

    """
    # As the service has it: its environment, secrets, volumes and networks.
    name = f"{project.name}_{location}_check-{image_id[:12]}"
    words = ["run", "--rm", "--no-deps", "-T", "--name", name, "--entrypoint", PROGRAM]
    named = under_retained_name(project, location, image_id)
    failure = f"The code of {location} cannot be checked"
    with console.step(f"Loading the code of {location} with its new image", "The code loads"):
        checked = compose(named, *words, location, "check", failure=failure, check=False)
        if checked.returncode == DOES_NOT_LOAD and checked.output.strip():
            raise UserError(checked.output.strip())
        if checked.returncode:
            raise CommandError(f"{failure}.", checked)
