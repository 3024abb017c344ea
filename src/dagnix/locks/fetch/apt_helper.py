"""apt's own downloader, for Debian's files and for any other URL."""

import re
import sys
import urllib.parse
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dagnix.locks.fetch.client import Client
from dagnix.locks.mirrors import has_apt

APT_HELPER = Path("/usr/lib/apt/apt-helper")


@dataclass(frozen=True)
class Download:
    """A file to fetch; `sha256` (hex) may be empty, for one that is verified in another way."""

    url: str
    target: Path
    sha256: str = ""


def start(downloads: Iterable[Download], output: Path, *, tries: int = 3) -> Client:
    """Start fetching, with the host's proxies and credentials for apt; without apt, plainly."""
    if not (has_apt() and APT_HELPER.exists()):
        command = [sys.executable, "-m", "dagnix.locks.fetch.http"]
        for download in downloads:
            command += [download.url, str(download.target)]
        return Client(command, output, {"PYTHONPATH": str(Path(__file__).resolve().parents[3])})
    settings = ["-oAPT::Sandbox::User=root", f"-oAcquire::Retries={tries - 1}"]
    command = [str(APT_HELPER), *settings, "download-file"]
    for download in downloads:
        command += [download.url, str(download.target)]
        command += [f"SHA256:{download.sha256}"] if download.sha256 else []
    return Client(command, output)


def failures(output: str) -> dict[str, str]:
    """Return URL → reason, of what could not be fetched; the URLs are unquoted."""
    said = re.findall(r"^E: Failed to fetch (\S+)\s+(.*?)\s*$", output, re.MULTILINE)
    return {urllib.parse.unquote(url): reason for url, reason in said}


def is_absent(reason: str) -> bool:
    """Tell whether the mirror answered that it has no such file."""
    return reason.startswith(("404", "410")) or "File not found" in reason


def is_corrupt(reason: str) -> bool:
    """Tell whether a file came, but not the locked one."""
    return "mismatch" in reason or "unexpected size" in reason
