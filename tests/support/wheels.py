"""Wheels that tests make."""

import base64
import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path


def wheel(folder: Path, files: Mapping[str, bytes], name: str = "hello") -> Path:
    """Make a wheel of files and a console script `hello`; the same bytes on each call."""
    metadata = f"{name}-1.0.dist-info"
    everything = {
        **files,
        f"{metadata}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{metadata}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{metadata}/entry_points.txt": b"[console_scripts]\nhello = hello:main\n",
    }
    record = "".join(
        f"{path},sha256={digest(data)},{len(data)}\n" for path, data in everything.items()
    )
    everything[f"{metadata}/RECORD"] = f"{record}{metadata}/RECORD,,\n".encode()
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, data in everything.items():
            archive.writestr(zipfile.ZipInfo(member), data)
    return path


def digest(data: bytes) -> str:
    """Return the hash as a wheel's RECORD has it."""
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
