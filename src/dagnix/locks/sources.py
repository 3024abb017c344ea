"""A project's own apt sources: config/apt/NAME.sources, in the form of sources.list(5), deb822."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path

from dagnix import UserError

FOLDER = Path("config", "apt")
DEBIANS_OWN = ("debian", "debian-security")  # archives, as locks name them
# No other: with `Trusted`, say, apt would take what nobody has signed.
FIELDS = ("types", "uris", "suites", "components", "architectures", "signed-by")
NEEDED = ("URIs", "Suites", "Signed-By")
NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
INLINE = "-----BEGIN PGP PUBLIC KEY BLOCK-----"


@dataclass(frozen=True)
class Source:
    """One apt source; `uri` has no slash at the end, and `stanza` names its key absolutely."""

    file: Path
    uri: str
    stanza: str

    @property
    def name(self) -> str:
        """What locks call its archive."""
        return self.file.stem


def read(root: Path) -> Mapping[str, Source]:
    """Return the sources of the project at `root`, by name.

    Raises UserError for one that is not as it should be, or has no key.
    """
    files = sorted((root / FOLDER).glob("*.sources"))
    return {file.stem: _read(file) for file in files}


def _read(file: Path) -> Source:
    shown = FOLDER / file.name
    fields = HeaderParser().parsestr(_text(file))
    wrong = next((name for name in fields if name.lower() not in FIELDS), "")
    lacks = next((name for name in NEEDED if not fields.get(name, "").strip()), "")
    if wrong:
        raise UserError(f"{shown} has the field {wrong}, which Dagnix does not use: take it out.")
    if lacks:
        raise UserError(f"{shown} lacks {lacks}.")
    if fields.get("Types", "deb").split() != ["deb"]:
        raise UserError(f"{shown} must have Types: deb.")
    if len(fields["URIs"].split()) > 1:
        raise UserError(f"{shown} has several URIs: name one.")
    del fields["Types"]
    fields.replace_header("Signed-By", _key(file, fields["Signed-By"].strip()))
    stanza = "".join(f"{name}: {value.rstrip()}\n" for name, value in fields.items())
    return Source(file, fields["URIs"].strip().rstrip("/"), f"Types: deb\n{stanza}")


def _text(file: Path) -> str:
    """Return the source without comments; its name must do for an archive."""
    shown = FOLDER / file.name
    if not NAME.fullmatch(file.stem) or file.stem in DEBIANS_OWN:
        raise UserError(
            f"{shown} needs another name: small letters, digits and hyphens, "
            f"and not {' or '.join(DEBIANS_OWN)}."
        )
    try:
        lines = file.read_text().splitlines()
    except ValueError as error:
        raise UserError(f"{shown} is not in UTF-8.") from error
    text = "\n".join(line for line in lines if not line.startswith("#")).strip()
    if re.search(r"\n[ \t]*\n", text):
        raise UserError(f"{shown} holds more than one source: give each a file of its own.")
    return text


def _key(file: Path, said: str) -> str:
    """Return what apt is told of a key: the key itself, or the path of its file."""
    if INLINE in said:
        return f"\n {said}"
    key = file.parent / said
    if not key.is_file():
        raise UserError(
            f"The key of {FOLDER / file.name}, {FOLDER / said}, is not there: "
            "put it beside the source, or into Signed-By itself."
        )
    return str(key.resolve())
