"""A Debian archive and a Python index on loopback, for real apt and real pip."""

import base64
import functools
import hashlib
import io
import subprocess
import tarfile
import threading
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

START = datetime(2026, 1, 1, tzinfo=UTC)
DEBIANS = ("amd64", "arm64")
SECONDS = 600  # nothing here should ever take so long


class Server:
    """Serves a folder on a free port of loopback; paths can be made to fail."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.requested: list[str] = []
        self.replaced: dict[str, bytes] = {}  # end of the path → what comes in its place
        self.replaced_once: dict[str, bytes] = {}
        self.held: dict[str, threading.Event] = {}  # end of the path → set when it may go on
        handler = functools.partial(_Handler, self, directory=str(folder))
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def count(self, end: str) -> int:
        """Return how often a path with this end was asked for."""
        return sum(path.endswith(end) for path in self.requested)

    def stop(self) -> None:
        for event in self.held.values():
            event.set()
        self._http.shutdown()
        self._http.server_close()


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, server: Server, *arguments: object, directory: str) -> None:
        self.fake = server
        super().__init__(*arguments, directory=directory)

    def do_GET(self) -> None:
        self.fake.requested.append(self.path)
        for end, event in self.fake.held.items():
            if self.path.endswith(end):
                event.wait(SECONDS)
        for replacements in (self.fake.replaced_once, self.fake.replaced):
            for end in replacements:
                if self.path.endswith(end):
                    once = replacements is self.fake.replaced_once
                    self._send(replacements.pop(end) if once else replacements[end])
                    return
        super().do_GET()

    def _send(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing: the tests look at `requested`."""


@dataclass(frozen=True)
class Key:
    """A signing key, and the keyring that trusts it."""

    home: Path
    keyring: Path

    @classmethod
    def made_in(cls, folder: Path) -> "Key":
        home = folder / "gnupg"
        home.mkdir(mode=0o700)
        key = cls(home, folder / "keyring.gpg")
        key.gpg("--quick-generate-key", "archive@example.invalid", "ed25519", "sign", "never")
        key.gpg("--output", str(key.keyring), "--export")
        return key

    def gpg(self, *arguments: str) -> None:
        command = ["gpg", "--homedir", str(self.home), "--batch", "--yes", "--passphrase", ""]
        subprocess.run(
            [*command, "--pinentry-mode", "loopback", *arguments], check=True, capture_output=True
        )

    def forget(self) -> None:
        subprocess.run(["gpgconf", "--homedir", self.home, "--kill", "all"], check=True)


@dataclass
class Archive:
    """A signed Debian archive of the suites given, under `folder`."""

    folder: Path
    key: Key
    label: str
    suites: tuple[str, ...]
    pool: str = "pool/main"
    published: int = 0
    index: dict[tuple[str, str], str] = field(default_factory=dict)  # arch, package → stanza

    def add(
        self,
        package: str,
        version: str,
        fields: Mapping[str, str] | None = None,
        files: Mapping[str, str] | None = None,
    ) -> None:
        """Put a version of a package into pool and index, in place of what the index had.

        Without files, by their paths, it has a program of its name.
        """
        for architecture in DEBIANS:
            control = {
                "Package": package,
                "Version": version,
                "Architecture": architecture,
                "Maintainer": "nobody <nobody@example.invalid>",
                "Description": "made by a test",
                **(fields or {}),
            }
            deb = self.deb(package, version, architecture)
            _build_deb(control, deb, files)
            content = deb.read_bytes()
            control["Filename"] = str(deb.relative_to(self.folder))
            control["Size"] = str(len(content))
            control["SHA256"] = hashlib.sha256(content).hexdigest()
            self.index[architecture, package] = _stanza(control)

    def deb(self, package: str, version: str, architecture: str = "amd64") -> Path:
        """Return where the file of a version is."""
        name = f"{package}_{version.partition(':')[2] or version}_{architecture}.deb"
        return self.folder / self.pool / package[0] / package / name

    def drop(self, package: str, version: str) -> None:
        """Remove a version's files, as mirrors do with what is superseded."""
        for architecture in DEBIANS:
            self.deb(package, version, architecture).unlink()

    def publish(self, valid_until: str = "") -> None:
        """Write and sign the suites' indexes; the first suite has the packages.

        They may be valid until a moment only, in RFC 2822's form.
        """
        self.published += 1
        date = START + timedelta(days=self.published)
        for suite in self.suites:
            directory = self.folder / "dists" / suite
            sums = []
            for architecture in DEBIANS:
                stanzas = [text for (arch, _), text in self.index.items() if arch == architecture]
                text = "\n".join(stanzas if suite == self.suites[0] else [])
                path = directory / "main" / f"binary-{architecture}" / "Packages"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
                digest = hashlib.sha256(text.encode()).hexdigest()
                sums.append(f" {digest} {len(text.encode())} {path.relative_to(directory)}")
            release = {
                "Origin": "Debian",
                "Label": self.label,
                "Suite": suite,
                "Codename": suite,
                "Date": date.strftime("%a, %d %b %Y %H:%M:%S UTC"),
                "Architectures": " ".join(DEBIANS),
                "Components": "main",
                **({"Valid-Until": valid_until} if valid_until else {}),
                "SHA256": "\n" + "\n".join(sums),
            }
            (directory / "Release").write_text(_stanza(release))
            self.key.gpg(
                "--clearsign",
                "--output",
                str(directory / "InRelease"),
                str(directory / "Release"),
            )


def _stanza(fields: Mapping[str, str]) -> str:
    return "".join(f"{name}: {value}\n" for name, value in fields.items())


def _build_deb(control: Mapping[str, str], deb: Path, files: Mapping[str, str] | None) -> None:
    """Build a package; the same fields and files give the same bytes."""
    tree = deb.with_suffix(".tree")
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN" / "control").write_text(_stanza(control))
    said = f"{control['Package']} {control['Version']} {control['Architecture']}\n"
    for name, text in (
        files or {f"usr/bin/{control['Package'].removesuffix('-static')}": said}
    ).items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "--build", tree, deb],
        check=True,
        capture_output=True,
        env={"PATH": "/usr/bin:/bin", "SOURCE_DATE_EPOCH": "0"},
    )
    subprocess.run(["rm", "-r", tree], check=True)


@dataclass
class Index:
    """A Python index (PEP 503) under `folder`."""

    folder: Path

    def add(  # noqa: PLR0913 - all that wheels differ in
        self,
        name: str,
        version: str,
        requires: tuple[str, ...] = (),
        *,
        extras: tuple[str, ...] = (),
        tag: str = "py3-none-any",
        payload: bytes = b"",
    ) -> Path:
        """Put a wheel in; return its file."""
        wheel = self.folder / name / f"{name.replace('-', '_')}-{version}-{tag}.whl"
        wheel.parent.mkdir(parents=True, exist_ok=True)
        info = f"{name.replace('-', '_')}-{version}.dist-info"
        metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"]
        metadata += [f"Provides-Extra: {extra}\n" for extra in extras]
        metadata += [f"Requires-Dist: {requirement}\n" for requirement in requires]
        files = {
            f"{name.replace('-', '_')}.bin": payload or name.encode(),
            f"{info}/METADATA": "".join(metadata).encode(),
            f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
        }
        records = [f"{path},{_record(content)},{len(content)}" for path, content in files.items()]
        files[f"{info}/RECORD"] = "\n".join([*records, f"{info}/RECORD,,", ""]).encode()
        with zipfile.ZipFile(wheel, "w") as archive:
            for path, content in files.items():
                archive.writestr(zipfile.ZipInfo(path), content)
        self._list(wheel.parent)
        return wheel

    def add_source(self, name: str, version: str, files: Mapping[str, str] | None = None) -> Path:
        """Put a source archive in; without files it is one that nobody can open."""
        stem = f"{name.replace('-', '_')}-{version}"
        archive = self.folder / name / f"{stem}.tar.gz"
        archive.parent.mkdir(parents=True, exist_ok=True)
        if files is None:
            archive.write_bytes(b"not to be opened")
        else:
            with tarfile.open(archive, "w:gz") as opened:
                for path, text in files.items():
                    member = tarfile.TarInfo(f"{stem}/{path}")
                    member.size = len(text.encode())
                    opened.addfile(member, io.BytesIO(text.encode()))
        self._list(archive.parent)
        return archive

    def take(self, package: str, wheel: Path, names: Collection[str]) -> None:
        """Put a wheel in that is in the Nix store, by names of its own."""
        folder = self.folder / package
        folder.mkdir(parents=True)
        for name in names:
            (folder / name).symlink_to(wheel)
        self._list(folder)

    def remove(self, wheel: Path) -> None:
        wheel.unlink()
        self._list(wheel.parent)

    @staticmethod
    def _list(project: Path) -> None:
        links = [
            f'<a href="{wheel.name}#sha256={hashlib.sha256(wheel.read_bytes()).hexdigest()}">'
            f"{wheel.name}</a><br>"
            for wheel in sorted([*project.glob("*.whl"), *project.glob("*.tar.gz")])
        ]
        page = ["<!DOCTYPE html><html><body>", *links, "</body></html>"]
        (project / "index.html").write_text("\n".join(page))


def _record(content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
    return f"sha256={digest.decode()}"
