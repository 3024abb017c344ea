"""Hooks of MkDocs: pages from outside docs/, and links to what is not in the site."""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
# Files of the repository that are in the site, too.
OUTSIDE = {
    "SECURITY.md": "security.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "tests/README.md": "tests.md",
    "src/dagster_dagnix/README.md": "dagster_dagnix.md",
    "bench/chart.svg": "chart.svg",
}
LINK = re.compile(r"(\]\()([^)\s]+)(\))")


def on_files(files: Files, config: Any) -> Files:
    """Add the files from outside docs/."""
    for source, path in OUTSIDE.items():
        content = (ROOT / source).read_bytes()
        files.append(File.generated(config, path, content=content))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Point links to files of the repository that are not in the site at the repository."""
    origin = {path: source for source, path in OUTSIDE.items()}
    source = origin.get(page.file.src_uri, f"docs/{page.file.src_uri}")

    def led(found: re.Match[str]) -> str:
        target, hash_, part = found[2].partition("#")
        if not target or re.match(r"[a-z]+:", target):
            return found[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        inside = OUTSIDE.get(path) or re.sub("^(?!docs/)", "../", path).removeprefix("docs/")
        known = files.get_file_from_path(inside)
        if known and not known.inclusion.is_excluded():
            here = posixpath.dirname(page.file.src_uri) or "."
            link = posixpath.relpath(inside, here)
        else:
            kind = "blob" if "." in posixpath.basename(path) else "tree"
            link = f"{config.extra['repository']}/{kind}/main/{path}"
        return f"{found[1]}{link}{hash_}{part}{found[3]}"

    # Not in blocks of code.
    parts = re.split(r"(^ *```.*?^ *```$)", markdown, flags=re.MULTILINE | re.DOTALL)
    return "".join(part if at % 2 else LINK.sub(led, part) for at, part in enumerate(parts))
