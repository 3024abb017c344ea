"""How a program of Dagnix ends (standard library only)."""

import errno
import os
import sys
from collections.abc import Callable

from dagnix import UserError
from dagnix.terminal import harmless

INTERRUPTED = 130  # 128 + SIGINT, as shells count


def end_well(main: Callable[[], int | None]) -> int:
    """Run a program and return its exit code; what its user can mend ends in one sentence."""
    try:
        return main() or 0
    except UserError as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        if not (sentence := not_written(error)):
            raise
        return _fail(sentence)


def not_written(error: OSError) -> str:
    """Return the sentence for a file that could not be written; "" for another error."""
    if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS}:
        return ""
    return f"{error.filename or 'A file'} cannot be written: {error.strerror}."


def _fail(sentence: str) -> int:
    print(harmless(f"dagnix: {sentence}"), file=sys.stderr)  # it may have what an op printed
    return 1
