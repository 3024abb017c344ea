"""Text of others, made harmless for a terminal (standard library only)."""

import re

# Colours (SGR), and all other control characters (C0 and C1) but tab and line feed.
_CONTROL = re.compile(r"\x1b\[[0-9;:]*m|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_PLAIN = "\x1b[0m"


def harmless(text: str, *, colours: bool = False) -> str:
    """Return text that others wrote, with its control characters shown in place of carried out.

    A terminal does as they say: it is given another title, clipboard or screen, or types an answer.
    `cat -v` shows them in the same way. Colours can do no such thing, and stay if wanted; they end
    with the text.
    """
    coloured = False

    def shown(match: re.Match[str]) -> str:
        nonlocal coloured
        if len(match[0]) > 1:
            coloured = coloured or colours
            return match[0] if colours else ""
        code = ord(match[0])
        return f"^{chr(code ^ 0x40)}" if code < 0x80 else f"\\x{code:02x}"

    safe = _CONTROL.sub(shown, text)
    return safe + _PLAIN if coloured else safe
