"""busybox out of its .deb, on any host: the first builder cannot be unpacked by a builder."""

import io
import tarfile
from pathlib import Path

MEMBER = "./usr/bin/busybox"
AR_MAGIC = b"!<arch>\n"


def unpack(deb: Path, directory: Path) -> None:
    """Make `directory` hold the executable `busybox` alone.

    Raises ValueError when the package is not built as Debian's busybox-static is.
    """
    with tarfile.open(fileobj=io.BytesIO(_data(deb.read_bytes()))) as tar:
        source = tar.extractfile(MEMBER)
        if source is None:
            raise ValueError(f"{MEMBER} is no file in {deb}")
        directory.mkdir(parents=True)
        busybox = directory / "busybox"
        busybox.write_bytes(source.read())
        busybox.chmod(0o755)


def _data(archive: bytes) -> bytes:
    """Return the member data.tar.* of an ar archive (deb(5), ar(5))."""
    if not archive.startswith(AR_MAGIC):
        raise ValueError("not an ar archive")
    position = len(AR_MAGIC)
    while position < len(archive):
        header = archive[position : position + 60]
        size = int(header[48:58])
        position += 60
        if header.startswith(b"data.tar"):
            return archive[position : position + size]
        position += size + size % 2
    raise ValueError("no data.tar in the package")
