"""An instance of the stack: what the environment says of it (standard library only)."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Self

from dagnix import UserError, code_locations
from dagnix.checkout import Checkout

DEFAULT_PORT = 3000
IMAGE_USER = 10001  # the uid of the services in their containers
# podman-compose drops all else from a name, and Dagnix would look for a stack that is not there.
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)  # as the OCI distribution specification has it
_ENV_LINE = re.compile(r"\s*(?:export\s+)?(\w+)\s*=\s*(.*?)\s*")


@dataclass(frozen=True)
class Project:
    """One checkout and the instance of the stack that the environment names.

    `environment` holds what compose.yaml reads: it is handed to every podman-compose.
    """

    root: Path
    environment: Mapping[str, str]

    @property
    def checkout(self) -> Checkout:
        """Where things stand in it."""
        return Checkout.at(self.root)

    @property
    def state(self) -> Path:
        """The git-ignored folder for everything that belongs to this host."""
        return self.checkout.state

    @property
    def roots(self) -> Path:
        """Links that keep Nix from collecting what they point to."""
        return self.checkout.roots

    @property
    def name(self) -> str:
        """The compose project: containers, networks and volumes carry it."""
        return self.environment["COMPOSE_PROJECT_NAME"]

    @property
    def port(self) -> int:
        """The dashboard's port on 127.0.0.1.

        Raises:
            UserError: DAGNIX_PORT is not a port number.

        """
        text = self.environment["DAGNIX_PORT"]
        if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
            raise UserError(f"DAGNIX_PORT must be a number from 1 to 65535, not {text!r}.")
        return int(text)

    @property
    def version(self) -> str:
        """The tag of the images."""
        return self.environment["DAGNIX_VERSION"]

    @property
    def has_default_tag(self) -> bool:
        """Whether the images' tag is the one that all instances have that name no other."""
        return self.version == default_tag(self.root)

    @property
    def secrets(self) -> Path:
        """The folder of the password files; relative paths start at the checkout."""
        return self.root / self.environment["DAGNIX_SECRETS_DIR"]

    @property
    def sockets(self) -> Path:
        """The folder of the instance's Unix sockets; relative paths start at the checkout."""
        return self.root / self.environment["DAGNIX_SOCKETS_DIR"] / self.name

    @property
    def compute_logs(self) -> Path:
        """The folder of what the instance's steps print; relative paths start at the checkout."""
        return self.root / self.environment["DAGNIX_COMPUTE_LOGS_DIR"] / self.name

    @property
    def backups(self) -> Path:
        """The folder of backups; relative paths start at the checkout."""
        return self.root / self.environment["DAGNIX_BACKUPS_DIR"]

    @property
    def images_kept(self) -> int:
        """How many images of the last deploys stay, for each code location; at least 2.

        Raises:
            UserError: DAGNIX_IMAGES_KEPT is no such number.

        """
        text = self.environment["DAGNIX_IMAGES_KEPT"]
        # What is served, and what `./dagnix rollback` goes back to.
        if not (text.isascii() and text.isdigit() and int(text) > 1):
            raise UserError(f"DAGNIX_IMAGES_KEPT must be a number from 2 on, not {text!r}.")
        return int(text)

    @property
    def bind(self) -> IPv4Address | IPv6Address:
        """The address of this host at which the dashboard is published.

        Raises:
            UserError: DAGNIX_BIND is no IP address.

        """
        text = self.environment.get("DAGNIX_BIND") or "127.0.0.1"
        try:
            return ip_address(text.strip("[]"))
        except ValueError as error:
            raise UserError(
                f"DAGNIX_BIND must be an IP address of this host, such as 127.0.0.1, not {text!r}."
            ) from error

    @property
    def host(self) -> str:
        """The address at which this host reaches the dashboard, as it stands in a URL."""
        if self.bind.is_unspecified:
            return "127.0.0.1"
        return f"[{self.bind}]" if self.bind.version == 6 else str(self.bind)

    @property
    def has_tls(self) -> bool:
        """Whether the gate speaks TLS."""
        return self.environment.get("DAGNIX_TLS", "off") != "off"

    @property
    def url(self) -> str:
        """The dashboard's address, without a slash in the end. Raises as `bind` and `port`."""
        scheme = "https" if self.has_tls else "http"
        prefix = self.environment.get("DAGNIX_PATH_PREFIX", "").rstrip("/")
        return f"{scheme}://{self.host}:{self.port}{prefix}"

    @property
    def compose_files(self) -> list[str]:
        """The compose files that make the stack."""
        given = (
            self.environment.get("COMPOSE_FILE")
            or os.environ.get("COMPOSE_FILE")
            or _dotenv(self.root / ".env").get("COMPOSE_FILE")
        )
        return given.split(_separator()) if given else [str(self.root / "compose.yaml")]

    def with_tag(self, tag: str) -> Self:
        """Return the project with images of another tag."""
        return replace(self, environment={**self.environment, "DAGNIX_VERSION": tag})

    def without_locations(self, names: Iterable[str]) -> Self:
        """Return the project without the compose files of these code locations."""
        theirs = {code_locations.compose_file(self.root, name).name for name in names}
        files = [file for file in self.compose_files if Path(file).name not in theirs]
        environment = {**self.environment, "COMPOSE_FILE": _separator().join(files)}
        return replace(self, environment=environment)

    def with_port(self, port: int) -> Self:
        """Return the project with the dashboard at another port."""
        return replace(self, environment={**self.environment, "DAGNIX_PORT": str(port)})

    def with_compose_file(self, name: str, **environment: str) -> Self:
        """Return the project with a compose file of the checkout's and its variables added."""
        files = self.compose_files
        if name not in {Path(file).name for file in files}:
            files.append(str(self.root / name))
        added = {"COMPOSE_FILE": _separator().join(files), **environment}
        return replace(self, environment={**self.environment, **added})


def _separator() -> str:
    return os.environ.get("COMPOSE_PATH_SEPARATOR", ":")


def _dotenv(path: Path) -> dict[str, str]:
    """Read the simple lines of a compose .env file, which podman-compose reads as well."""
    if not path.is_file():
        return {}
    found = (_ENV_LINE.fullmatch(line) for line in path.read_text().splitlines())
    return {match[1]: match[2].strip("'\"") for match in found if match}


def current() -> Project:
    """Return the checkout that the launcher names, or the one around the working directory.

    Raises:
        UserError: there is no checkout, it has no environment of the name in DAGNIX_ENV, or the
            instance or the images cannot be named as the environment says.

    """
    return of_environment(os.environ.get("DAGNIX_ENV", ""))


def with_locations(project: Project) -> Project:
    """Return the project with the code locations that its checkout has now."""
    for location in code_locations.others(project.root):
        project = project.with_compose_file(
            code_locations.compose_file(project.root, location).name
        )
    return project


def default_tag(root: Path) -> str:
    """Return the tag of the images where DAGNIX_VERSION names none."""
    return (root / "VERSION").read_text().strip()


def of_environment(name: str) -> Project:
    """Return the instance that config/env/NAME.env describes. Raises as `current`."""
    root = Checkout.here().root
    chosen = _environment(root, name)
    defaults = {
        "COMPOSE_PROJECT_NAME": "dagnix",
        "DAGNIX_BIND": "127.0.0.1",
        "DAGNIX_PORT": str(DEFAULT_PORT),
        "DAGNIX_PATH_PREFIX": "",
        "DAGNIX_TLS": "off",
        "DAGNIX_VERSION": default_tag(root),
        "DAGNIX_SECRETS_DIR": "./.dagnix/secrets",
        "DAGNIX_SOCKETS_DIR": "./.dagnix/sockets",
        "DAGNIX_BACKUPS_DIR": "./.dagnix/backups",
        "DAGNIX_COMPUTE_LOGS_DIR": "./.dagnix/compute_logs",
        "DAGNIX_IMAGES_KEPT": "5",
        "DAGNIX_REGISTRY": "",
        "DAGNIX_STORAGE_CLASS": "",
        "DAGNIX_STORAGE_MODE": "ReadWriteMany",
        "DAGNIX_PULL_SECRET": "",
    }
    given = {**_dotenv(root / ".env"), **chosen, **os.environ}
    everything = {**chosen, **defaults}
    environment = {key: given.get(key) or value for key, value in everything.items()}
    _require_names(environment)
    return with_locations(Project(root, environment))


def _require_names(environment: Mapping[str, str]) -> None:
    name, tag = environment["COMPOSE_PROJECT_NAME"], environment["DAGNIX_VERSION"]
    if not _NAME.fullmatch(name):
        suggested = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_") or "dagnix"
        raise UserError(
            f"COMPOSE_PROJECT_NAME cannot be {name!r}: take small letters, digits, - and _, with a "
            f"letter or digit first, such as {suggested}."
        )
    if not _TAG.fullmatch(tag):
        suggested = re.sub(r"[^\w.-]+", "-", tag, flags=re.ASCII).strip(".-")[:128] or "0.1.0"
        raise UserError(
            f"DAGNIX_VERSION cannot be {tag!r}, as it is the tag of the images: take letters, "
            f"digits, - . and _, at most 128, such as {suggested}."
        )


def _environment(root: Path, name: str) -> dict[str, str]:
    if not name:
        return {}
    files = {path.stem: path for path in sorted((root / "config" / "env").glob("*.env"))}
    if name not in files:
        known = ", ".join(files) or "none"
        raise UserError(f"There is no config/env/{name}.env: the environments are {known}.")
    return _dotenv(files[name])
