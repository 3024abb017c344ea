"""Debian's files, brought by apt's own downloader."""

import re
import sys
import urllib.parse
from collections.abc import Callable, Iterable
from pathlib import Path

from dagnix.fetch.client import Client
from dagnix.fetch.downloads import Downloads
from dagnix.fetch.inputs import LockedFile
from dagnix.lock.mirrors import has_apt

APT_HELPER = Path("/usr/lib/apt/apt-helper")


def start(
    downloads: Downloads,
    files: Iterable[LockedFile],
    base: Callable[[str], str],
    output: Path,
    *,
    tries: int,
) -> Client:
    """Start fetching; `base` gives the URL that an archive's paths are below."""
    wanted = [(f"{base(file.archive)}/{file.path}", file) for file in files]
    if not (has_apt() and APT_HELPER.exists()):
        return start_plain(downloads, wanted, output)
    settings = ["-oAPT::Sandbox::User=root", f"-oAcquire::Retries={tries - 1}"]
    command = [str(APT_HELPER), *settings, "download-file"]
    for url, file in wanted:
        command += [url, str(downloads.target(file)), f"SHA256:{file.sha256}"]
    return Client(command, output)


def start_plain(
    downloads: Downloads, wanted: Iterable[tuple[str, LockedFile]], output: Path
) -> Client:
    """Start fetching from URLs by plain HTTP."""
    command = [sys.executable, "-m", "dagnix.fetch.http"]
    for url, file in wanted:
        command += [url, str(downloads.target(file))]
    package = str(Path(__file__).resolve().parents[2])
    return Client(command, output, {"PYTHONPATH": package})


def failures(output: str) -> dict[str, str]:
    """Return URL → reason, of what apt-helper says it could not fetch."""
    said = re.findall(r"^E: Failed to fetch (\S+)\s+(.*?)\s*$", output, re.MULTILINE)
    return {urllib.parse.unquote(url): reason for url, reason in said}


def is_gone(reason: str) -> bool:
    """Tell whether the mirror answered that it has no such file."""
    return reason.startswith(("404", "410")) or "File not found" in reason


def is_corrupt(reason: str) -> bool:
    """Tell whether a file came, but not the locked one."""
    return "mismatch" in reason or "unexpected size" in reason
