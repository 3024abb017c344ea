"""What a code server and the runs of a time are started with: a folder, options, an environment."""

import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

WORKING_DIRECTORY_OPTIONS = ("-d", "--working-directory")


def folders(path: str) -> list[str]:
    """Return the folders of PYTHONPATH."""
    return [folder for folder in path.split(os.pathsep) if folder]


# Python's own, without the folder that `python -m` adds and those of PYTHONPATH, which is replaced.
_own_path = [
    folder
    for folder in sys.path
    if folder and folder not in [*folders(os.environ.get("PYTHONPATH", "")), str(Path.cwd())]
]


@dataclass(frozen=True)
class Load:
    """One load of the code."""

    folder: str
    options: tuple[str, ...]  # of `dagster api grpc`
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))  # the whole
    generation: str = ""  # names what the program of --prepare has made for this load

    @classmethod
    def parse(cls, text: str) -> "Load":
        """Read what a program that prepares a load has printed.

        Raises ValueError, with a sentence, if it is something else.
        """
        try:
            content: Any = json.loads(text)
            return cls(
                content["folder"],
                tuple(content["options"]),
                dict(content["environment"]),
                str(content.get("generation", "")),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                "The program of --prepare must print a JSON object with folder, options and "
                f"environment; it printed {text[:200]!r}."
            ) from error

    @property
    def working_directory(self) -> str:
        """The folder that the modules are imported from."""
        for option, value in zip(self.options, self.options[1:], strict=False):
            if option in WORKING_DIRECTORY_OPTIONS:
                return value
        return self.folder

    def at(self, working_directory: str | None) -> "Load":
        """Return this load with its folders moved to where a run's code stands.

        That is another snapshot of the code than the newest, when a run has waited in the queue.
        """
        own = self.working_directory
        if working_directory in (None, own):
            return self
        folder = os.path.normpath(f"{working_directory}/{os.path.relpath(self.folder, own)}")
        rest = [each for each in folders(self.environment.get("PYTHONPATH", "")) if each != own]
        path = os.pathsep.join([working_directory, *rest])
        environment = {**self.environment, "PYTHONPATH": path}
        return Load(folder, self.options, environment, self.generation)

    def enter(self) -> None:
        """Give this process the load's environment, folder and import path."""
        os.chdir(self.folder)
        self.enter_environment()
        sys.path.insert(0, self.folder)

    def enter_environment(self) -> None:
        """Give this process the load's environment, but not its code."""
        os.environ.clear()
        os.environ.update(self.environment)
        sys.path[:] = [*folders(self.environment.get("PYTHONPATH", "")), *_own_path]
        sys.path_importer_cache.clear()
