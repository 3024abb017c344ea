import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dagnix import UserError, project
from dagnix.deploy import old_images
from dagnix.host import podman
from dagnix.stack.lease import folder

PIPES, GATE = "localhost/dagnix/pipes", "localhost/dagnix/gate"
ONE, TWO, THREE, FOUR = (character * 64 for character in "1234")
OWN = [f"{PIPES}:dagnix-{each[:12]} sha256:{each}" for each in (ONE, TWO, THREE, FOUR)]
OTHERS = [
    f"{PIPES}:dagnix-staging-{ONE[:12]} sha256:{ONE}",
    f"{PIPES}:dagnix-staging sha256:{ONE}",
]


@pytest.fixture
def here(
    checkout: Path, program: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> project.Project:
    """An instance whose podman has OWN and OTHERS, and runs THREE."""
    named = [
        {"Id": THREE, "RepoTags": [f"{PIPES}:1.2.3"]},
        {"Id": FOUR, "RepoTags": [f"{GATE}:1.2.3"]},
    ]
    (checkout / "inspected").write_text(json.dumps(named))
    (checkout / "listed").write_text("\n".join(OWN + OTHERS) + "\n")
    (checkout / "calls").touch()
    program(
        "podman",
        f"""case "$1" in
image) cat {checkout}/inspected ;;
images) cat {checkout}/listed ;;
ps) case "$*" in *{GATE}*) echo 0123 ;; esac ;;
rmi) shift; printf '%s\\n' "$@" >>{checkout}/calls ;;
esac""",
    )
    monkeypatch.setattr(podman, "settings", lambda _: {})
    return project.current()


def removed(here: project.Project) -> list[str]:
    return (here.root / "calls").read_text().splitlines()


def names(*image_ids: str) -> list[str]:
    return [f"{PIPES}:dagnix-{each[:12]}" for each in image_ids]


def deployed(here: project.Project, *image_ids: str) -> None:
    entries = (
        {"when": "", "how": "", "image": each, "digest": "", "revision": "", "dirty": None}
        for each in image_ids
    )
    (folder(here) / "pipes.jsonl").write_text("".join(json.dumps(each) + "\n" for each in entries))


def test_what_runs_and_what_was_deployed_last_stays(
    here: project.Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed(here, ONE, TWO, ONE, THREE)
    monkeypatch.setenv("DAGNIX_IMAGES_KEPT", "2")
    old_images.remove(project.current())
    assert removed(here) == names(TWO)


def test_what_was_brought_and_never_deployed_goes(here: project.Project) -> None:
    deployed(here, THREE)
    old_images.remove(here)
    assert removed(here) == names(ONE, TWO)


def test_all_go_but_those_that_another_instance_runs(here: project.Project) -> None:
    old_images.remove_all(here)
    assert removed(here) == [*names(ONE, TWO, THREE, FOUR), f"{PIPES}:1.2.3"]


@pytest.mark.parametrize("number", ["1", "0", "-1", "all"])
def test_a_rollback_needs_two(
    number: str, here: project.Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGNIX_IMAGES_KEPT", number)
    with pytest.raises(UserError, match="DAGNIX_IMAGES_KEPT must be a number from 2 on"):
        old_images.remove(project.current())
    assert not removed(here)
