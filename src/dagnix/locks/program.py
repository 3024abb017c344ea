"""How the programs dagnix.lock and dagnix.fetch end, and keep out of each other's way."""

import errno
import fcntl
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dagnix import UserError
from dagnix.lock.checkout import Checkout

INTERRUPTED = 130  # 128 + SIGINT, as shells count


def end_well(main: Callable[[], None]) -> int:
    """Run a program and return its exit code; what its user can mend ends in one sentence."""
    try:
        main()
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
    return 0


def not_written(error: OSError) -> str:
    """Return the sentence for a file that could not be written; "" for another error."""
    if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS}:
        return ""
    return f"{error.filename or 'A file'} cannot be written: {error.strerror}."


def _fail(sentence: str) -> int:
    print(f"dagnix: {sentence}", file=sys.stderr)
    return 1


@contextmanager
def alone(checkout: Checkout) -> Iterator[None]:
    """Wait until no other lock or fetch works in this checkout."""
    checkout.state.mkdir(exist_ok=True)
    with (checkout.state / "fetch.lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("waiting for another fetch or lock in this checkout", file=sys.stderr)
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield
