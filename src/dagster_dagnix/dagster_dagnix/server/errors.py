"""Why code is not loaded: Dagster's SerializableErrorInfo as a dictionary, or a text."""

from typing import Any

Error = dict[str, Any] | str


def sentence(error: Error) -> str:
    """Return the exception that the user's code raised, without its traceback."""
    if isinstance(error, str):
        return error.strip()
    # Dagster wraps it in exceptions of its own, which say nothing more.
    while str(error.get("message", "")).startswith("dagster.") and error.get("cause"):
        error = error["cause"]
    if "dependencies" in error:
        return f"{error['file']} depends on what is not there: {', '.join(error['dependencies'])}"
    return str(error.get("message", "")).strip()
