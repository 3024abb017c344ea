"""How long the three images take to be built and given to podman."""

from bench.figure import Figure, goal
from bench.measurements import Measurements
from bench.timing import timed
from bench.variants.variant import Variant
from dagnix import console

COLD = "cold build"
ONCE = "made once before"
HOW = {
    COLD: "downloads cached, and what is made once",
    "no-change build": "",
    "code edit": "one line of pipes/",
    "dependency": "one more package in pipes",
    "config": "one line of config/dagster.yaml",
}
NO_CPU = "nix-daemon builds, and its CPU is not ours to count"


def measure(variant: Variant, runs: int, measured: Measurements) -> None:
    """Take each kind of build so many times, and the cold one first."""
    measured.add(ONCE, variant.once)
    variant.build()
    for number in range(runs):
        variant.start_anew()
        with console.step(f"{variant.name}: cold build {number + 1} of {runs}"):
            measured.add_timing(COLD, timed(variant.build_cold))
    variant.build()
    for name in list(HOW)[1:]:
        with console.step(f"{variant.name}: {name}"):
            for number in range(runs):
                _edit(variant, name, number)
                measured.add_timing(name, timed(variant.build), cpu=variant.counts_cpu)


def _edit(variant: Variant, name: str, number: int) -> None:
    match name:
        case "code edit":
            variant.edit_code()
        case "dependency":
            variant.add_package(variant.packages[number])
        case "config":
            variant.edit_config()


def figures(ours: Measurements, theirs: Measurements) -> list[Figure]:
    """Return seconds on the clock and of CPU, for each kind of build."""
    found = [
        Figure.of(
            ONCE, "s", ours.of(ONCE), theirs.of(ONCE), how="nix2container; mmdebstrap's base image"
        )
    ]
    for name, how in HOW.items():
        other = theirs.of(name)
        half = goal(None, other, 0.5) if name == COLD else None
        found.append(Figure.of(name, "s", ours.of(name), other, goal=half, how=how))
        cpu = f"{name}, CPU"
        said = how if ours.of(cpu) or not ours.of(name) else NO_CPU
        found.append(Figure.of(cpu, "s", ours.of(cpu), theirs.of(cpu), how=said))
    return found
