"""What builds leave in the Nix store, with a real Nix and a store of the test's own."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dagnix import project
from dagnix.images import garbage

KEPT = 2
EXPRESSION = """
let
  make = name: script: derivation {
    inherit name;
    system = builtins.currentSystem;
    builder = "/bin/sh";
    args = [ "-c" script ];
  };
  step = make "step" "echo NUMBER > $out";
in
make "image" "read made < ${step}; echo $made > $out"
"""


def nix(*words: str | Path) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def here(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[project.Project]:
    for name, value in {
        "NIX_STORE_DIR": str(tmp_path / "store"),
        "NIX_STATE_DIR": str(tmp_path / "state"),
        "NIX_LOG_DIR": str(tmp_path / "log"),
        "NIX_CONFIG": "build-users-group =\nsandbox = false\nfsync-metadata = false",
        "DAGNIX_IMAGES_KEPT": str(KEPT),
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NIX_REMOTE", raising=False)
    (checkout / ".dagnix" / "roots").mkdir(parents=True)
    yield project.current()
    subprocess.run(["chmod", "-R", "u+w", tmp_path], check=True)


@pytest.fixture
def build(here: project.Project) -> Callable[[int], Path]:
    """Builds an image that differs by a number; returns the step on the way to it."""

    def build(number: int) -> Path:
        expression = EXPRESSION.replace("NUMBER", str(number))
        link = here.roots / "images"
        nix("nix-build", "--quiet", "--expr", expression, "--out-link", link)
        (derivation,) = nix("nix-store", "--query", "--deriver", link).split()
        made = nix("nix-store", "--query", "--requisites", "--include-outputs", derivation)
        (step,) = (Path(path) for path in made.split() if path.endswith("-step"))
        return step

    return build


def test_what_the_last_builds_are_made_of_stays_and_older_things_go(
    here: project.Project, build: Callable[[int], Path], tmp_path: Path
) -> None:
    steps = [build(0)]
    nix("nix-store", "--realise", steps[0], "--add-root", tmp_path / "of-another", "--indirect")
    others = Path(nix("nix-instantiate", "--expr", EXPRESSION.replace("NUMBER", "another")))
    garbage.collect(here)
    for number in range(1, 4 * KEPT):
        steps.append(build(number))
        garbage.collect(here)
        garbage.collect(here)  # nothing new: that is no build
    assert [step.exists() for step in steps[-KEPT:]] == [True] * KEPT
    # The one that is a root of somebody's, and one at most for each build since the last removal.
    assert steps[0].exists()
    assert sum(step.exists() for step in steps[1:]) <= 2 * KEPT
    assert others.exists()
    images = list((tmp_path / "store").glob("*-image"))
    assert (here.roots / "images").resolve() in images
    assert len(images) <= 2 * KEPT


def test_what_the_present_images_are_made_of_stays_however_old(
    here: project.Project, build: Callable[[int], Path]
) -> None:
    first = build(0)
    link = here.roots / "image-of-postgres"
    nix(
        "nix-store",
        "--realise",
        (here.roots / "images").resolve(),
        "--add-root",
        link,
        "--indirect",
    )
    for number in range(1, 3 * KEPT):
        build(number)
        garbage.collect(here)
    assert first.exists()


def test_copies_of_the_checkout_that_nix_evaluated_go(
    here: project.Project, build: Callable[[int], Path], tmp_path: Path
) -> None:
    def copied(flake: str) -> Path:
        copy = tmp_path / flake / "source"
        copy.mkdir(parents=True)
        (copy / "flake.nix").write_text(flake)
        return Path(nix("nix-store", "--add-fixed", "--recursive", "sha256", copy))

    (here.root / "flake.nix").write_text("ours")
    ours, theirs = copied("ours"), copied("theirs")
    for number in range(KEPT):
        build(number)
        garbage.collect(here)
    assert not ours.exists()
    assert theirs.exists()


def test_without_its_file_it_starts_over(
    here: project.Project, build: Callable[[int], Path]
) -> None:
    step = build(0)
    garbage.collect(here)
    (here.state / "builds.json").write_text("{")
    build(1)
    garbage.collect(here)
    assert step.exists()
    assert (here.state / "builds.json").read_text() != "{"


def test_a_nix_that_fails_is_asked_again_next_time(
    here: project.Project, program: Callable[[str, str], Path]
) -> None:
    (here.roots / "images").symlink_to("/")
    program("nix-store", "exit 1")
    garbage.collect(here)
