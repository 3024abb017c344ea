"""Downloads by URL, on hosts that have no apt to do it.

usage: python -m dagnix.locks.fetch.http URL TARGET [URL TARGET …]

Ours, as no package is there yet. Goes on with a TARGET that is there in part. What fails is said as
apt-helper says it, a line each.
"""

import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path

AT_ONCE = 4
CHUNK = 1 << 16  # bytes
SILENCE = 60  # seconds


def main(arguments: list[str]) -> int:
    """Download all and return 0, or 100 (as apt-helper does) if some could not be had."""
    pairs = list(zip(arguments[::2], arguments[1::2], strict=True))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        failures = [reason for reason in pool.map(lambda pair: _attempt(*pair), pairs) if reason]
    for reason in failures:
        print(reason)
    return 100 if failures else 0


def _attempt(url: str, target: str) -> str:
    try:
        download(url, Path(target))
    except urllib.error.HTTPError as error:
        return f"E: Failed to fetch {url}  {error.code}  {error.reason}"
    except (OSError, urllib.error.URLError) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, FileNotFoundError):  # file:
            reason = "File not found"
        return f"E: Failed to fetch {url}  {reason}"
    return ""


def download(url: str, target: Path) -> None:
    """Write what the URL names to the target, from where an earlier attempt stopped."""
    there = target.stat().st_size if target.exists() else 0
    request = urllib.request.Request(url)  # noqa: S310 - any scheme that the user's own folder has
    if there:
        request.add_header("Range", f"bytes={there}-")
    with urllib.request.urlopen(request, timeout=SILENCE) as answer:  # noqa: S310
        resumed = there and answer.status == HTTPStatus.PARTIAL_CONTENT
        with target.open("ab" if resumed else "wb") as stream:
            while chunk := answer.read(CHUNK):
                stream.write(chunk)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
