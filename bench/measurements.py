"""What was measured on one side."""

from collections import defaultdict
from dataclasses import dataclass, field

from bench.timing import Timing


@dataclass
class Measurements:
    """Values by name; `failure` says why some are missing."""

    values: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failure: str = ""

    def add(self, name: str, value: float) -> None:
        """Add a value to those of a name."""
        self.values[name].append(value)

    def add_timing(self, name: str, timing: Timing, *, cpu: bool = True) -> None:
        """Add the seconds of a piece of work; those of CPU under `name, CPU`."""
        self.add(name, timing.wall)
        if cpu:
            self.add(f"{name}, CPU", timing.cpu)

    def of(self, name: str) -> list[float]:
        """Return the values of a name; none if they are missing."""
        return self.values.get(name, [])
