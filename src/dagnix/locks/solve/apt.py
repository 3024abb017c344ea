"""apt as the solver for a Debian suite that is not the host's, in a state directory of its own."""

import os
import re
import urllib.parse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

from dagnix import UserError
from dagnix.locks.command import last_error, output_of
from dagnix.locks.fetch.apt_helper import APT_HELPER
from dagnix.locks.mirrors import Mirrors
from dagnix.locks.sources import FOLDER, Source
from dagnix.process import CommandError

OWN_KEYRING = "DAGNIX_DEBIAN_KEYRING"
DEBIAN_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

# Without the second apt does not look at the first.
CHECK_AGE = ("Acquire::Check-Valid-Until", "Acquire::Check-Date")

# A stub keeps what others may ask of it, and asks for nothing itself.
STUB_FIELDS = ("Package", "Version", "Architecture", "Multi-Arch", "Provides")
# Those by which apt tells whether two versions of the same number are the same (and Essential).
KEPT_FIELDS = (
    *STUB_FIELDS,
    "Essential",
    "Installed-Size",
    "Pre-Depends",
    "Depends",
    "Breaks",
    "Conflicts",
    "Replaces",
)

# As in: Inst libc6 [2.41-12] (2.41-13 Debian:13/stable [amd64])
PLANNED = re.compile(r"^(Inst|Remv) (\S+)(?: \[\S+\])?(?: \((\S+))?", re.MULTILINE)

# As in: 'http://127.0.0.1/pool/f/foo_1_amd64.deb' foo_1_amd64.deb 720 SHA256:0123
PRINTED = re.compile(r"^'(\S+)' \S+ (\d+)", re.MULTILINE)

# Where a further source has a package that Debian has too, Debian's is taken.
PREFERENCES = """\
Package: *
Pin: release l=Debian
Pin-Priority: 990

Package: *
Pin: release l=Debian-Security
Pin-Priority: 990
"""

Stanza = Mapping[str, str]  # field → value, as in Debian's Packages files


@dataclass(frozen=True)
class Apt:
    """One suite, with its updates and security suites, for one Debian architecture.

    `directory` holds apt's lists; the host's own proxies and credentials apply.
    """

    directory: Path
    architecture: str
    suite: str
    mirrors: Mirrors
    sources: Mapping[str, Source] = field(default_factory=dict)

    def update(self, *, current: bool = False) -> None:
        """Read the suites' indexes anew; apt checks their signatures.

        `current` ones are refused when they are too old by their own word, even if the host's apt
        takes these.
        Raises UserError if a mirror does not answer, or an index is refused.
        """
        keyring = Path(os.environ.get(OWN_KEYRING) or DEBIAN_KEYRING)
        if not keyring.exists():
            raise UserError(
                f"{keyring}, whose keys sign Debian's archive, is not there: "
                "apt-get install debian-archive-keyring."
            )
        for needed in ("lists/partial", "cache/archives/partial", "sources.list.d"):
            (self.directory / needed).mkdir(parents=True, exist_ok=True)
        sources = [
            (self.mirrors.debian, self.suite),
            (self.mirrors.debian, f"{self.suite}-updates"),
            (self.mirrors.security, f"{self.suite}-security"),
        ]
        (self.directory / "sources.list").write_text(
            "".join(f"deb [signed-by={keyring}] {uri} {suite} main\n" for uri, suite in sources)
        )
        parts = self.directory / "sources.list.d"
        for file in parts.iterdir():
            file.unlink()
        for name, source in self.sources.items():
            (parts / f"{name}.sources").write_text(source.stanza)
        (self.directory / "preferences").write_text(PREFERENCES if self.sources else "")
        self._status({})
        try:
            dates = [f"-o{option}=true" for option in CHECK_AGE] if current else []
            self._run("apt-get", "update", "-qq", "-oAPT::Update::Error-Mode=any", *dates)
        except CommandError as error:
            self._refuse_source(error.output)
            raise UserError(
                f"Debian's package lists cannot be had ({last_error(error.output)}): "
                "check the network and apt's mirrors, or try again later."
            ) from error

    def _refuse_source(self, output: str) -> None:
        """Raise UserError if one of the further sources is what apt complains of."""
        for source in self.sources.values():
            about = re.compile(rf"^.*{re.escape(source.uri)}(?=[/ ]|$).*$", re.MULTILINE)
            if said := about.findall(output):
                raise UserError(
                    f"{FOLDER / source.file.name} cannot be used ({last_error(said[-1])}): "
                    "check its address, its suites and its key."
                )

    def released(self) -> str:
        """Return when the newest of the suites was released, in the snapshot service's form."""
        dates = [
            parsedate_to_datetime(match[1])
            for path in (self.directory / "lists").glob("*InRelease")
            if (match := re.search(r"^Date: (.+)$", path.read_text(), re.MULTILINE))
        ]
        newest = max(dates, default=datetime.now(tz=UTC))
        return newest.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")

    def show(self, packages: Iterable[str]) -> list[Stanza]:
        """Return what the indexes say of each `name` or `name=version`; nothing of unknown ones."""
        desired = sorted(packages)
        if not desired:
            return []
        try:
            return parse(self._run("apt-cache", "show", *desired))
        except CommandError:
            # One unknown version fails the whole call.
            if len(desired) == 1:
                return []
            half = len(desired) // 2
            return [*self.show(desired[:half]), *self.show(desired[half:])]

    def security(self) -> dict[str, set[str]]:
        """Return package → its versions in the suite's security suite, as `update` read them."""
        suite = [f"Release: {self.suite}-security", "Created-By: Packages"]
        listed = self._run("apt-get", "indextargets", "--format", "$(REPO_URI) $(FILENAME)", *suite)
        found: dict[str, set[str]] = {}
        for line in listed.splitlines():
            uri, _, file = line.partition(" ")
            if uri.rstrip("/") != self.mirrors.security:
                continue  # of a project's own source
            # They may be compressed, as the host's apt is configured.
            for stanza in parse(output_of([APT_HELPER, "cat-file", file])):
                found.setdefault(stanza["Package"], set()).add(stanza["Version"])
        return found

    def origins(self, packages: Iterable[str]) -> dict[tuple[str, int], str]:
        """Return what comes from further sources, of `name=version`: path and size → source."""
        desired = sorted(packages)
        if not desired or not self.sources:
            return {}
        found = {}
        for uri, size in PRINTED.findall(
            self._run("apt-get", "download", "--print-uris", *desired)
        ):
            for name, source in self.sources.items():
                if uri.startswith(f"{source.uri}/"):
                    path = urllib.parse.unquote(uri.removeprefix(f"{source.uri}/"))
                    found[path, int(size)] = name
        return found

    def solve(
        self,
        packages: Iterable[str],
        exclude: Iterable[str] = (),
        keep: Mapping[str, Stanza] | None = None,
        move: Mapping[str, str] | None = None,
    ) -> dict[str, str]:
        """Return package → version of a whole that holds `packages` and all that they depend on.

        What is in `keep` stays at its version unless the rest forces it to move; what is in `move`,
        with its present version, goes to the newest. Either drops out when nothing needs it any
        more. What is in `exclude` counts as installed already.
        Raises UserError when there is no such whole.
        """
        desired = sorted(packages)
        stubs = self._newest(exclude)
        unknown = set(exclude) - stubs.keys()
        if unknown:
            raise UserError(
                f"nix/debian.toml excludes {', '.join(sorted(unknown))}, "
                f"which {self.suite} does not have: take it out."
            )
        kept = {name: stanza for name, stanza in (keep or {}).items() if name not in stubs}
        # An old version that nothing is known of: apt is to replace it, with what depends on it.
        old = {
            name: {**_stub(stanza), "Version": (move or {})[name]}
            for name, stanza in self._newest((move or {}).keys() - stubs.keys()).items()
        }
        names = [*(name for name in desired if name not in kept and name not in old), *old]
        try:
            versions = self._installed(names, {**kept, **old}, stubs, desired)
        except CommandError as error:
            raise UserError(
                f"apt finds no way to install {' '.join(desired)} from {self.suite} "
                f"({last_error(error.output)}): see nix/debian.toml, "
                "or run ./dagnix lock debian --upgrade."
            ) from error
        gone = [name for name in desired if name not in versions]
        if gone:
            raise UserError(
                f"apt would have to leave out {', '.join(gone)} to make the rest of "
                f"{self.suite} fit: run ./dagnix lock debian --upgrade."
            )
        return versions

    def _installed(
        self,
        names: Iterable[str],
        before: Mapping[str, Stanza],
        stubs: Mapping[str, Stanza],
        desired: Iterable[str],
    ) -> dict[str, str]:
        """Return package → version after an installation of `names` upon `before`."""
        self._status(before, stubs, desired)
        versions = {name: stanza["Version"] for name, stanza in before.items()}
        try:
            plan = self._run(
                "apt-get", "install", "--simulate", "--auto-remove", "--allow-downgrades",
                "--allow-remove-essential", "--fix-broken", *names,
            )  # fmt: skip
        except CommandError:
            if not names or not before:
                raise
            # Something kept needs what was left out before: apt mends that only by itself.
            mended = self._installed((), before, stubs, desired)
            added = mended.keys() - before.keys()
            if not added:
                raise
            stanzas = {
                stanza["Package"]: stanza
                for stanza in self.show(f"{name}={mended[name]}" for name in added)
            }
            return self._installed(names, {**before, **stanzas}, stubs, desired)
        finally:
            self._status({})
        for action, name, version in PLANNED.findall(plan):
            if action == "Inst" and name not in stubs:
                versions[name] = version
            elif action == "Remv":
                versions.pop(name, None)
        return versions

    def _newest(self, names: Iterable[str]) -> dict[str, Stanza]:
        """Return package → what the indexes say of its newest version."""
        found: dict[str, Stanza] = {}
        for stanza in self.show(names):
            found.setdefault(stanza["Package"], stanza)
        return found

    def _run(self, program: str, *arguments: str) -> str:
        private = {
            "Dir::State": self.directory,
            "Dir::State::lists": self.directory / "lists",
            "Dir::State::status": self.directory / "status",
            "Dir::State::extended_states": self.directory / "extended_states",
            "Dir::Cache": self.directory / "cache",
            "Dir::Cache::pkgcache": "pkgcache.bin",  # slimmed-down hosts switch these off
            "Dir::Cache::srcpkgcache": "srcpkgcache.bin",
            "Dir::Etc::sourcelist": self.directory / "sources.list",
            "Dir::Etc::sourceparts": self.directory / "sources.list.d",
            "Dir::Etc::preferences": self.directory / "preferences",
            "Dir::Etc::preferencesparts": "/dev/null",
            "APT::Architecture": self.architecture,
            "APT::Architectures": self.architecture,
            "APT::Default-Release": "",
            "APT::Install-Recommends": "false",
            "APT::Install-Suggests": "false",
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            "Debug::NoLocking": "true",
        }
        return output_of(
            [program, *(f"-o{key}={value}" for key, value in private.items()), *arguments]
        )

    def _status(
        self,
        kept: Mapping[str, Stanza],
        stubs: Mapping[str, Stanza] | None = None,
        desired: Iterable[str] = (),
    ) -> None:
        """Tell apt what counts as installed: `kept` and `stubs`."""
        stubs = stubs or {}
        entries = [
            *(_entry(stanza, "install") for stanza in kept.values()),
            *(_entry(_stub(stanza), "hold") for stanza in stubs.values()),
        ]
        (self.directory / "status").write_text("\n".join(entries))
        # What nobody asked for by name may go when nothing needs it any more.
        automatic = kept.keys() - set(desired)
        (self.directory / "extended_states").write_text(
            "\n".join(
                f"Package: {name}\nArchitecture: {self.architecture}\nAuto-Installed: 1\n"
                for name in sorted(automatic)
            )
        )


def _stub(stanza: Stanza) -> Stanza:
    return {field: stanza[field] for field in STUB_FIELDS if field in stanza}


def _entry(stanza: Stanza, want: str) -> str:
    lines = [f"{field}: {stanza[field]}\n" for field in KEPT_FIELDS if field in stanza]
    return "".join(
        [*lines, f"Status: {want} ok installed\nMaintainer: none\nDescription: locked\n"]
    )


def parse(text: str) -> list[Stanza]:
    """Return the stanzas of a Debian control file, each without its continuation lines."""
    return [
        dict(re.findall(r"^([^\s:]+):[ \t]*(.*)$", paragraph, re.MULTILINE))
        for paragraph in re.split(r"\n\s*\n", text)
        if paragraph.strip()
    ]
