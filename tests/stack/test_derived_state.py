"""The folder of the services' sockets, deleted or filled with rubbish while the stack runs."""

import shutil

from support.command import wait_until
from support.served import Served


def test_up_makes_the_folder_of_sockets_again(mounted: Served) -> None:
    stack = mounted.stack

    def deleted() -> bool:
        # The services make what they miss again while their folder is there.
        shutil.rmtree(stack.sockets, ignore_errors=True)
        return not stack.sockets.exists()

    wait_until(deleted, "the folder is deleted")
    stack.dagnix("up", "--mount", str(mounted.folder))
    assert mounted.answer() == "first"


def test_up_makes_the_list_of_code_locations_again(mounted: Served) -> None:
    stack = mounted.stack
    (stack.sockets / "workspace.yaml").write_text("load_from: [\n")
    stack.podman("restart", stack.container("webserver"), stack.container("daemon"))
    stack.dagnix("up", "--mount", str(mounted.folder))
    assert mounted.answer() == "first"
