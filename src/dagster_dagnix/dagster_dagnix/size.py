"""Sizes in bytes, as Compose has them: 512m, 1g, 1.5gb. Standard library only."""

import re

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmg]?)i?b?", re.IGNORECASE)
_BITS = {"": 0, "k": 10, "m": 20, "g": 30}


def parse(text: str) -> int:
    """Return a size in bytes; without a unit it is in bytes. Raises ValueError for another text."""
    found = _SIZE.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text!r} is no size: give a number with its unit, such as 512m or 2g.")
    return int(float(found[1]) * (1 << _BITS[found[2].lower()]))


def shown(size: int) -> str:
    """Write a size for people."""
    for unit, bits in (("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if size >= 1 << bits:
            return f"{size / (1 << bits):.1f} {unit}"
    return f"{size} bytes"
