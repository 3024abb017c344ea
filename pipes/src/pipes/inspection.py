"""A day's file, read and held against the rules."""

import dataclasses
from collections.abc import Mapping
from datetime import date
from typing import Self

from pipes.incoming import BadFileError, Delivery
from pipes.rules import RULES, Rule
from pipes.weather import NotWeatherError, WeatherDay, read_weather


@dataclasses.dataclass(frozen=True, slots=True)
class Inspection:
    """What was found in a file."""

    day: date
    delivery: Delivery
    content: bytes = b""
    rows: tuple[WeatherDay, ...] = ()
    # Why it cannot be read at all: the rules say nothing about such a file.
    unreadable: str | None = None
    # What each rule that it breaks has to say.
    broken: Mapping[Rule, str] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, day: date, delivery: Delivery) -> Self:
        """Read the file that was delivered for the day."""
        try:
            content = delivery.read()
            rows = tuple(read_weather(content))
        except (BadFileError, NotWeatherError) as error:
            return cls(day, delivery, unreadable=str(error))
        problems = {rule: rule.problem(rows, day) for rule in RULES}
        broken = {rule: problem for rule, problem in problems.items() if problem}
        return cls(day, delivery, content, rows, broken=broken)

    @property
    def error(self) -> str | None:
        """Say why the file cannot be taken, in one line; a rule that only warns is no reason."""
        if self.unreadable:
            return f"{self.delivery.path.name}: {self.unreadable}"
        errors = [problem for rule, problem in self.broken.items() if rule.is_error]
        return f"{self.delivery.path.name}: {'; '.join(errors)}" if errors else None
