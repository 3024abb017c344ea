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
RETAINED = [f"{PIPES}:dagnix-{each[:12]} sha256:{each}" for each in (ONE, TWO, THREE, FOUR)]
OTHERS = [
    f"{PIPES}:dagnix-staging-{ONE[:12]} sha256:{ONE}",
    f"{PIPES}:dagnix-staging sha256:{ONE}",
]


@pytest.fixture
def here(
    checkout: Path, program: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> project.Project:
    """An instance whose podman has RETAINED and OTHERS, and runs THREE."""
    named = [
        {"Id": THREE, "RepoTags": [f"{PIPES}:1.2.3"]},
        {"Id": FOUR, "RepoTags": [f"{GATE}:{tag}" for tag in ("1.2.3", "9", f"other-{FOUR[:12]}")]},
    ]
    (checkout / "inspected").write_text(json.dumps(named))
    (checkout / "listed").write_text("\n".join(RETAINED + OTHERS) + "\n")
    (checkout / "calls").touch()
    program(
        "podman",
        f"""case "$1" in
image) cat {checkout}/inspected ;;
images) ! rm {checkout}/busy 2>/dev/null || exit 125; cat {checkout}/listed ;;
rmi) shift; printf '%s\\n' "$@" >>{checkout}/calls ;;
esac""",
    )
    monkeypatch.setattr(podman, "settings", dict)
    return project.current()


def test_a_list_that_fails_is_asked_for_again(here: project.Project) -> None:
    (here.root / "busy").touch()
    old_images.remove(here)
    assert removed(here)


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


SERVICES = ("webserver", "daemon", "pipes", "postgres", "gate")


def test_what_another_instance_retains_stays_under_the_tag_of_both(here: project.Project) -> None:
    old_images.remove_all(here)
    *current, _ = (f"localhost/dagnix/{each}:1.2.3" for each in SERVICES)
    assert removed(here) == [*names(ONE, TWO, THREE, FOUR), *current]


def test_a_tag_of_the_instances_own_goes_whoever_has_the_image(here: project.Project) -> None:
    old_images.remove_all(here.with_tag("9"))
    current = [f"localhost/dagnix/{each}:9" for each in SERVICES]
    assert removed(here) == [*names(ONE, TWO, THREE, FOUR), *current]


@pytest.mark.parametrize("number", ["1", "0", "-1", "all"])
def test_a_rollback_needs_two(
    number: str, here: project.Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGNIX_IMAGES_KEPT", number)
    with pytest.raises(UserError, match="DAGNIX_IMAGES_KEPT must be a number from 2 on"):
        old_images.remove(project.current())
    assert not removed(here)
