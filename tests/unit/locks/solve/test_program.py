"""How the programs end."""

import errno
import threading
from pathlib import Path

import pytest

from dagnix import UserError
from dagnix.checkout import Checkout
from dagnix.ending import end_well
from dagnix.locks import lockfile
from dagnix.locks.program import alone


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (UserError("This is wrong: do that."), 1, "dagnix: This is wrong: do that.\n"),
        (KeyboardInterrupt(), 130, ""),
        (
            OSError(errno.ENOSPC, "No space left on device", "/some/file"),
            1,
            "dagnix: /some/file cannot be written: No space left on device.\n",
        ),
    ],
)
def test_errors_end_in_one_sentence(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int, said: str
) -> None:
    def main() -> None:
        raise error

    assert end_well(main) == code
    assert capsys.readouterr().err == said


def test_mistake_of_ours_keeps_its_traceback() -> None:
    def main() -> None:
        raise OSError(errno.ENOTDIR, "Not a directory")

    with pytest.raises(OSError, match="Not a directory"):
        end_well(main)


def test_second_fetch_waits_for_the_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    order: list[str] = []
    entered = threading.Event()

    def second() -> None:
        entered.set()
        with alone(Checkout(tmp_path, tmp_path)):
            order.append("second")

    waiting = threading.Thread(target=second)
    with alone(Checkout(tmp_path, tmp_path)):
        waiting.start()
        entered.wait()
        order.append("first")
    waiting.join()
    assert order == ["first", "second"]
    assert capsys.readouterr().out == ""


def test_lock_file_is_written_only_if_it_changed(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "lock.json"
    assert lockfile.write(path, {"b": 1, "a": {"c": []}})
    assert path.read_text() == '{\n "a": {\n  "c": []\n },\n "b": 1\n}\n'
    assert not lockfile.write(path, {"a": {"c": []}, "b": 1})
    assert lockfile.read(path) == {"a": {"c": []}, "b": 1}
    assert lockfile.read(tmp_path / "none.json") == {}
