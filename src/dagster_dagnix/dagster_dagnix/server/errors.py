"""Why code is not loaded: Dagster's SerializableErrorInfo as a dictionary, or a text."""

from typing import Any

Error = dict[str, Any] | str


def sentence(error: Error) -> str:
    """Return the exception that the user's code raised, without its traceback."""
    if isinstance(error, str):
        return error.strip()
    # Dagster wraps it in exceptions of its own, which say nothing more.
    inner: dict[str, Any] = error
    while str(inner.get("message", "")).startswith("dagster.") and inner.get("cause"):
        inner = inner["cause"]
    if "dependencies" in inner:
        return f"{inner['file']} depends on what is not there: {', '.join(inner['dependencies'])}"
    return str(inner.get("message", "")).strip()
