"""The folder with a location's sockets, in which two links say who serves."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dagster_dagnix.protocol import CODE_LINK, LOCK, RUN_LINK, RunServer, listens

MARKER_DAYS = 30  # after which the container is not expected back


class Busy(Exception):  # noqa: N818 - as BlockingIOError
    """Another run server is changing the links just now."""


def give_way(path: Path) -> None:
    """Set a folder aside that stands where a file belongs; a file is replaced as it is."""
    if path.is_dir() and not path.is_symlink():
        path.rename(path.with_name(f"{path.name}.{time.time_ns()}.aside"))


class Links:
    """The links and markers, as one run server sees and changes them; all can be made anew."""

    def __init__(self, folder: Path, server: RunServer) -> None:
        self.folder, self._server = folder, server
        folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other run servers from changing links and markers. Raises Busy."""
        self.folder.mkdir(parents=True, exist_ok=True)
        give_way(self.folder / LOCK)
        file = os.open(self.folder / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Busy from None
            yield
        finally:
            os.close(file)

    def named(self, link: str) -> str | None:
        """Return the name of the socket that a link names."""
        try:
            return (self.folder / link).readlink().name
        except OSError:
            return None

    def is_served(self, own_code: str | None) -> bool:
        """Tell whether somebody listens at both links; this server's own sockets need no try."""
        own = (own_code, self._server.socket)
        names = (self.named(CODE_LINK), self.named(RUN_LINK))
        return all(name and (name in own or listens(self.folder / name)) for name in names)

    def is_served_by_another(self) -> bool:
        """Tell whether a run server of the host that is named lives and is not this one.

        After a reboot that may be a new one, whose code is not loaded yet: it served before.
        """
        named = RunServer.parse(self.named(RUN_LINK) or "")
        return named is not None and any(
            other.host == named.host and listens(self.folder / other.socket)
            for other in self._others()
        )

    def point(self, link: str, name: str) -> None:
        """Have a link name another socket, in one step."""
        if self.named(link) == name:
            return
        beside = self.folder / f"{link}.{self._server.host}"
        beside.unlink(missing_ok=True)
        beside.symlink_to(name)
        give_way(self.folder / link)
        beside.rename(self.folder / link)

    def remove(self, link: str, prefix: str) -> None:
        """Remove a link if it names a socket whose name begins so."""
        if (self.named(link) or "").startswith(prefix):
            (self.folder / link).unlink(missing_ok=True)

    def is_marked(self, host: str) -> bool:
        """Tell whether a container no longer serves."""
        return self._marker(host).exists()

    def mark(self, host: str) -> None:
        """Have a container never take over by itself again."""
        self._marker(host).touch(0o600)

    def unmark(self, host: str) -> None:
        """Let a container take over by itself."""
        self._marker(host).unlink(missing_ok=True)

    def sweep(self) -> bool:
        """Remove the sockets of run servers that are dead, and tell whether there was one."""
        found = False
        now = time.time()
        for path in list(self.folder.iterdir()):
            with suppress(OSError):
                age = now - path.lstat().st_mtime
                server = RunServer.parse(path.name)
                if path.suffix == ".draining" and age > MARKER_DAYS * 24 * 3600:
                    path.unlink()
                elif server and server != self._server and not listens(path):
                    found = True
                    for code in self.folder.glob(server.code_socket(0).replace("-0.", "-*.")):
                        code.unlink()
                    path.unlink()
        return found

    def _others(self) -> list[RunServer]:
        found = map(RunServer.parse, (path.name for path in self.folder.iterdir()))
        return [each for each in found if each and each != self._server]

    def _marker(self, host: str) -> Path:
        return self.folder / f"{host}.draining"
