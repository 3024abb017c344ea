"""support/shared.py: a test leaves nothing to the next one that uses the same stack."""

from support.podman import PROJECT_LABEL
from support.served import Served
from support.shared import Shared, look


def test_nothing_is_left(shared_mounted: Shared[Served], mounted: Served) -> None:
    stack, podman = mounted.stack, mounted.stack.podman
    before = look(mounted)
    label, name = f"--label={PROJECT_LABEL}={stack.project}", f"{stack.project}_left"
    podman("volume", "create", label, name)
    podman("network", "create", label, name)
    image = podman.inspect(stack.container("pipes"))["ImageName"]
    podman("create", label, "--name", name, image)
    podman("tag", image, f"{image}-left")
    mounted.team.start_automations()
    mounted.wait_for_start(mounted.client.submit_job_execution("endless"))
    mounted.client.submit_job_execution("short")
    mounted.save("left")
    stack.dagnix("reload")
    podman("stop", stack.container("daemon"))
    after = look(mounted)
    for kind in ("containers", "volumes", "networks", "images", "runs"):
        assert getattr(after, kind) != getattr(before, kind), kind
    assert mounted.team.served() == "left"
    shared_mounted.take_back()
    assert look(mounted) == before
    assert mounted.team.served() == "first"
    assert {each["status"] for each in mounted.team.automations()} == {"STOPPED"}
