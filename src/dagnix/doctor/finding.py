"""What the doctor says about one thing."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """One thing looked at. A "note" works with ./dagnix, but plain commands may need the cure."""

    subject: str
    state: Literal["ok", "note", "problem"]
    says: str
    cure: str = ""


def ok(subject: str, says: str) -> Finding:
    """Return a finding that needs no cure."""
    return Finding(subject, "ok", says)


def note(subject: str, says: str, cure: str = "") -> Finding:
    """Return a finding that ./dagnix copes with by itself."""
    return Finding(subject, "note", says, cure)


def problem(subject: str, says: str, cure: str) -> Finding:
    """Return a finding that keeps Dagnix from working until it is cured."""
    return Finding(subject, "problem", says, cure)
