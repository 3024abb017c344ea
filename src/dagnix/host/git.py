"""Changes of a checkout that are taken back when what they are for fails."""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from dagnix.process import run


@contextmanager
def restored_on_failure(root: Path, files: Iterable[Path]) -> Iterator[None]:
    """Give files the content that they have now, if the block fails, and have git know no more.

    Git's index stays as it is now but for that: what a user has added meanwhile, he adds again.
    """
    before = {path: path.read_bytes() if path.is_file() else None for path in files}
    absent = {path.parent for path in before if not path.parent.exists()}
    known = set(_known(root))
    try:
        yield
    except BaseException:
        for path, content in before.items():
            if content is None:
                path.unlink(missing_ok=True)
            elif path.read_bytes() != content:
                path.write_bytes(content)
        for folder in absent:
            with suppress(OSError):  # another command may have put something there
                folder.rmdir()
        forget(root, [name for name in _known(root) if name not in known])
        raise


def make_known(root: Path, names: Sequence[str]) -> None:
    """Have git know files, by their names below `root`, without their content."""
    words = ["add", "--intent-to-add", "--pathspec-file-nul", "--pathspec-from-file=-"]
    _with_names(root, ["--literal-pathspecs", *words], names, "Git does not take the files")


def forget(root: Path, names: Sequence[str]) -> None:
    """Have git know files no more, by their names below `root`; the files stay."""
    words = ["update-index", "--force-remove", "-z", "--stdin"]
    _with_names(root, words, names, "Git does not let go of the files")


def _known(root: Path) -> list[str]:
    listed = run(["git", "-C", root, "ls-files", "-z"], "Git does not list the checkout")
    return listed.output.split("\0")[:-1]


def _with_names(root: Path, words: Sequence[str], names: Sequence[str], failure: str) -> None:
    if not names:
        return
    # There may be more of them than a command line takes.
    with tempfile.TemporaryFile() as file:
        file.write("".join(f"{name}\0" for name in names).encode(errors="surrogateescape"))
        file.seek(0)
        run(["git", "-C", root, *words], failure, source=file)
