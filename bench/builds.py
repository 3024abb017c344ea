"""How long the three images take to be built and given to podman."""

from dagnix import console
from dagnix.bench.figure import Figure, goal
from dagnix.bench.spent import spent
from dagnix.bench.taken import Taken
from dagnix.bench.ways.way import Way

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


def measure(way: Way, runs: int, taken: Taken) -> None:
    """Take each kind of build so many times, and the cold one first."""
    taken.add(ONCE, way.once)
    way.build()
    for number in range(runs):
        way.start_anew()
        with console.step(f"{way.name}: cold build {number + 1} of {runs}"):
            taken.spend(COLD, spent(way.build_cold))
    way.build()
    for name in list(HOW)[1:]:
        with console.step(f"{way.name}: {name}"):
            for number in range(runs):
                _edit(way, name, number)
                taken.spend(name, spent(way.build), cpu=way.counts_cpu)


def _edit(way: Way, name: str, number: int) -> None:
    match name:
        case "code edit":
            way.edit_code()
        case "dependency":
            way.add_package(way.packages[number])
        case "config":
            way.edit_config()


def figures(ours: Taken, theirs: Taken) -> list[Figure]:
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
