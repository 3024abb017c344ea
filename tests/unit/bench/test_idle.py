"""What the gate may cost, as figures with goals."""

from bench import idle
from bench.measurements import Measurements


def test_the_gate_has_goals_for_memory_cpu_and_the_time_of_a_page() -> None:
    ours = Measurements()
    for name, value in (
        ("cpu: gate", 0.1),
        ("memory: gate", 14.0),
        ("hop: page", 0.6),
        ("hop: query", 6.0),
    ):
        ours.add(name, value)
    found = {each.name: each for each in idle.figures(ours, Measurements())}
    said = {name: (each.goal, each.unit) for name, each in found.items() if each.ours}
    assert said == {
        "idle CPU, gate": (0.2, "%"),
        "idle memory, gate": (30, "MB"),
        "a page, through the gate": (5, "ms"),
        "a query, through the gate": (5, "ms"),
    }
