"""Source archives from the index, with pip's own configuration, and nothing of them run.

usage: python download_archives.py FOLDER NAME FILE SHA256 [NAME FILE SHA256 ...]

SHA256 may be empty. Each file appears in FOLDER when all of it is there. What goes wrong is said
in pip's words, as the caller reads those.

`pip download` runs an archive's code to ask for its metadata, and there is no option against it. So
what finds and downloads is pip's, below the command: of its own modules only what they have called
alike since pip 22, as this runs with the host's.
"""

import hashlib
import sys
from pathlib import Path
from typing import Any

from pip._internal.commands import create_command
from pip._internal.exceptions import PipError

CHUNK = 1 << 16  # bytes


def main() -> int:
    """Download what the command line names."""
    folder = Path(sys.argv[1])
    desired = [tuple(sys.argv[at : at + 3]) for at in range(2, len(sys.argv), 3)]
    command: Any = create_command("download")
    options, _ = command.parse_args(["--no-input", "--no-binary=:all:", "--no-deps", "nothing"])
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with command.main_context():
            session = command._build_session(options)  # noqa: SLF001 - see above
            finder = command._build_package_finder(options, session)  # noqa: SLF001
            for name, file, sha256 in desired:
                _download(session, finder, folder / file, name, sha256)
    except (PipError, OSError) as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    return 0


def _download(session: Any, finder: Any, target: Path, name: str, sha256: str) -> None:
    links = [each.link for each in finder.find_all_candidates(name)]
    link = next((link for link in links if link.filename == target.name), None)
    if link is None:
        raise PipError(f"No matching distribution found for {target.name}")
    expected = sha256 or (link.hash if link.hash_name == "sha256" else "")
    beside = target.with_name(f".{target.name}.part")
    digest = hashlib.sha256()
    # As pip asks for files: bytes as they are, never a web server's own compression.
    with (
        session.get(
            link.url_without_fragment, headers={"Accept-Encoding": "identity"}, stream=True
        ) as answer,
        beside.open("wb") as stream,
    ):
        answer.raise_for_status()
        for chunk in answer.iter_content(CHUNK):
            stream.write(chunk)
            digest.update(chunk)
    if expected and digest.hexdigest() != expected:
        raise PipError(
            f"THESE PACKAGES DO NOT MATCH THE HASHES: {target.name}: Expected sha256 {expected}, "
            f"got {digest.hexdigest()}"
        )
    beside.replace(target)


if __name__ == "__main__":
    sys.exit(main())
