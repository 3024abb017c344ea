"""What is wrong with single code locations, told when all else is done (standard library only)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from dagnix import UserError


class Faults:
    """The first fault of each code location, by its name.

    One team's mistake must not keep the others' code from being served: it is noted, the work goes
    on with the others, and `tell` ends the command in the end.
    """

    def __init__(self, known: Mapping[str, str] | None = None) -> None:
        self._said = dict(known or {})

    def __contains__(self, name: object) -> bool:
        return name in self._said

    def __bool__(self) -> bool:
        return bool(self._said)

    def add(self, name: str, says: str) -> None:
        """Note a fault of a location; what comes of an earlier one is not told."""
        self._said.setdefault(name, says)

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Note the UserError that the block raises as a fault of this location."""
        try:
            yield
        except UserError as error:
            self.add(name, str(error))

    def require_none(self, name: str) -> None:
        """Raise UserError if this location has a fault."""
        if name in self._said:
            raise UserError(self._said[name])

    def tell(self, rest: str) -> None:
        """Raise UserError with all faults, if there are any; `rest` says how all else is."""
        if self._said:
            raise UserError("\n".join([f"{rest}, but not {', '.join(self._said)}:", *self.told]))

    @property
    def told(self) -> list[str]:
        """A sentence for each fault."""
        return [f"{name}: {says}" for name, says in self._said.items()]
