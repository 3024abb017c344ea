"""`pip install` by the environment markers of another machine, and of another Python.

usage: python pip_install.py MACHINE VERSION [OPTION ...]

pip chooses the wheels of another machine by its options, but has none for markers. So it gets the
dependencies of each package from here: those that are ones on MACHINE, with Python VERSION, and
without their markers. Markers in what is asked for on the command line are the caller's affair.

What is called of pip is its own, and private: this runs with the pip that nix/locks has.
"""

import sys
from collections.abc import Iterator
from typing import Any

from markers import Environment, environment, holds, without  # beside this program
from packaging.requirements import Requirement
from pip._internal.commands.install import InstallCommand


class ForMachine(InstallCommand):
    """The command whose resolver reads dependencies with the markers of a machine."""

    def __init__(self, environment: Environment) -> None:
        super().__init__("install", "Install packages.")
        self.environment = environment

    def make_resolver(self, preparer: Any, **options: Any) -> Any:  # type: ignore[override]
        """Return pip's resolver, which asks the preparer for all metadata."""
        wrapped: Any = Preparer(preparer, self.environment)
        return super().make_resolver(preparer=wrapped, **options)


class Around:
    """What has all that something of pip's has."""

    def __init__(self, inner: Any, environment: Environment) -> None:
        self._inner = inner
        self._environment = environment

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class Preparer(Around):
    """pip's preparer of packages."""

    def prepare_linked_requirement(self, *arguments: Any, **options: Any) -> "Distribution":
        """Return the metadata of a package."""
        found = self._inner.prepare_linked_requirement(*arguments, **options)
        return Distribution(found, self._environment)


class Distribution(Around):
    """The metadata of a package."""

    def iter_dependencies(self, extras: tuple[str, ...] = ()) -> Iterator[Requirement]:
        """Yield what the package depends on there; with extras, what they do."""
        for each in map(Requirement, self._inner.iter_raw_dependencies()):
            if holds(each, self._environment, extras):
                yield without(each)


if __name__ == "__main__":
    sys.exit(ForMachine(environment(*sys.argv[1:3])).main(sys.argv[3:]))
