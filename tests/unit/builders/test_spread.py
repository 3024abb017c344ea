import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import spread

AT = "/opt/pipes"
NAMES = ("lower", "upper")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A project of forty modules, a symlink and an empty folder."""
    folder = tmp_path / "source"
    (folder / "package").mkdir(parents=True)
    for number in range(40):
        (folder / "package" / f"module{number}.py").write_text(f"answer = {number}\n")
    (folder / "empty").mkdir()
    (folder / "link").symlink_to("package")
    return folder


def parts_of(source: Path, folder: Path) -> list[Path]:
    """Spread a copy of a project, as the build does."""
    copy, parts = folder / "copy", [folder / name for name in NAMES]
    shutil.copytree(source, copy, symlinks=True)
    spread.spread(copy, parts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "pycache_prefix", None)  # as where Nix builds
        assert spread.compile_all(parts, AT)
    return parts


def files(part: Path) -> dict[str, bytes]:
    """Return the content of a part's files by their paths."""
    found = (path for path in part.rglob("*") if path.is_file() and not path.is_symlink())
    return {str(path.relative_to(part)): path.read_bytes() for path in found}


def test_nothing_is_lost_and_a_module_lies_beside_what_it_is_compiled_to(
    source: Path, tmp_path: Path
) -> None:
    parts = parts_of(source, tmp_path / "out")
    together = [name for part in parts for name in files(part)]
    assert len(together) == len(set(together)) == 2 * 40
    for part in parts:
        modules = list(part.rglob("*.py"))
        assert len(modules) > 4
        for module in modules:
            compiled = module.parent / "__pycache__" / f"{module.stem}.cpython-313.pyc"
            data = compiled.read_bytes()
            assert int.from_bytes(data[4:8], "little") == 0b01  # hash-based, unchecked: PEP 552
            assert f"{AT}/package/{module.name}".encode() in data
            assert str(tmp_path).encode() not in data
    assert any((part / "empty").is_dir() for part in parts)
    assert [str((part / "link").readlink()) for part in parts if (part / "link").is_symlink()] == [
        "package"
    ]


def test_an_edit_and_a_new_module_change_one_part_each(source: Path, tmp_path: Path) -> None:
    before = [files(part) for part in parts_of(source, tmp_path / "before")]
    (source / "package" / "module7.py").write_text("answer = 'another one'\n")
    after = [files(part) for part in parts_of(source, tmp_path / "after")]
    assert sum(old != new for old, new in zip(before, after, strict=True)) == 1
    (source / "package" / "before_all_others.py").touch()
    last = [files(part) for part in parts_of(source, tmp_path / "last")]
    assert sum(old != new for old, new in zip(after, last, strict=True)) == 1


def test_what_the_host_has_where_an_absolute_link_leads_is_not_compiled(
    source: Path, tmp_path: Path
) -> None:
    (tmp_path / "host.py").write_text("answer = 'the host'\n")
    (source / "package" / "host.py").symlink_to(tmp_path / "host.py")
    parts = parts_of(source, tmp_path / "out")
    assert sum((part / "package" / "host.py").is_symlink() for part in parts) == 1
    assert [path.name for part in parts for path in part.rglob("host.*.pyc")] == []


def test_code_that_is_no_python_ends_the_build(source: Path, tmp_path: Path) -> None:
    (source / "package" / "module7.py").write_text("answer = (\n")
    parts = [str(tmp_path / name) for name in NAMES]
    command = [sys.executable, spread.__file__, str(source), AT, *parts]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "module7.py" in done.stdout
    assert "was never closed" in done.stdout
