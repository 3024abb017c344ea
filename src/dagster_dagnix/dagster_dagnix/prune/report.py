"""What was pruned, or would be."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from dagster_dagnix.size import shown


@dataclass
class Report:
    """How much went, and why some stays; sizes are bytes."""

    is_dry: bool = False
    runs: int = 0
    events: int = 0
    database: int = 0  # estimated
    ticks: int = 0
    logs: int = 0
    files: int = 0
    kept: Counter[str] = field(default_factory=Counter)  # reason → runs past their time
    returned: int = 0  # to the disk, by PostgreSQL
    away: list[str] = field(default_factory=list)  # code locations whose files were not seen

    @property
    def is_empty(self) -> bool:
        """Whether nothing went."""
        return not (self.runs or self.ticks or self.logs or self.files or self.returned)

    def as_json(self) -> dict[str, Any]:
        """Return it as data; `kept` is an object of reasons and numbers of runs."""
        return {**asdict(self), "kept": dict(self.kept), "lines": self.lines()}

    def lines(self) -> list[str]:
        """Return sentences for people."""
        would = "Would go" if self.is_dry else "Gone"
        runs, events = _count(self.runs, "run"), _count(self.events, "event")
        room = f"about {shown(self.database)} in PostgreSQL, {shown(self.logs)} of compute logs"
        lines = [
            f"{would}: {runs} with {events}, {_count(self.ticks, 'tick')}.",
            f"Room: {room}, {shown(self.files)} of files that steps hand to each other.",
        ]
        if self.returned:
            lines.append(f"PostgreSQL has given {shown(self.returned)} back to the disk.")
        lines += [
            f"Kept past their time: {_count(number, 'run')} {reason}."
            for reason, number in self.kept.items()
        ]
        lines += [
            f"Files of {each} stay for now: its run server does not answer." for each in self.away
        ]
        return lines


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
