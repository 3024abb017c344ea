import base64
import csv
import hashlib
import importlib.util
import zipfile
from pathlib import Path

import install_wheels
import pytest

VENV = Path("/opt/venv")
HELLO = {
    "hello/__init__.py": b"def main():\n    return 'hello'\n",
    "hello/template.py": b"class {{ name }}:\n",  # no Python
    "hello/page.js": b"let a\n",
    "hello/page.js.map": b"{}\n",
}


def wheel(folder: Path, files: dict[str, bytes] | None = None, name: str = "hello") -> Path:
    """Make a wheel of these files and a console script."""
    metadata = f"{name}-1.0.dist-info"
    files = {
        **(files or HELLO),
        f"{metadata}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{metadata}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{metadata}/entry_points.txt": b"[console_scripts]\nhello = hello:main\n",
    }
    record = "".join(f"{path},sha256={digest(data)},{len(data)}\n" for path, data in files.items())
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, data in files.items():
            archive.writestr(member, data)
        archive.writestr(f"{metadata}/RECORD", f"{record}{metadata}/RECORD,,\n")
    return path


def digest(data: bytes) -> str:
    """Return the hash as a wheel's RECORD has it."""
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def site_packages(out: Path) -> Path:
    (found,) = out.glob("opt/venv/lib/python3*/site-packages")
    return found


def test_scripts_and_metadata_are_those_of_the_image(tmp_path: Path) -> None:
    install_wheels.install_wheels([wheel(tmp_path)], VENV, tmp_path / "out")
    script = (tmp_path / "out/opt/venv/bin/hello").read_text()
    assert script.startswith("#!/opt/venv/bin/python\n")
    installed = site_packages(tmp_path / "out")
    assert (installed / "hello-1.0.dist-info/INSTALLER").read_text() == "dagnix\n"


def test_compiled_files_are_unchecked_and_know_the_path_in_the_image(tmp_path: Path) -> None:
    install_wheels.install_wheels([wheel(tmp_path)], VENV, tmp_path / "out")
    module = site_packages(tmp_path / "out") / "hello" / "__init__.py"
    compiled = Path(importlib.util.cache_from_source(str(module))).read_bytes()
    assert int.from_bytes(compiled[4:8], "little") == 0b01  # hash-based, unchecked: PEP 552
    assert b"/opt/venv/lib" in compiled
    assert str(tmp_path).encode() not in compiled


def test_source_maps_are_left_out_and_not_recorded(tmp_path: Path) -> None:
    install_wheels.install_wheels([wheel(tmp_path)], VENV, tmp_path / "out")
    installed = site_packages(tmp_path / "out")
    assert {path.name for path in (installed / "hello").glob("page*")} == {"page.js"}
    recorded = (installed / "hello-1.0.dist-info/RECORD").read_text()
    assert "hello/page.js," in recorded
    assert ".map" not in recorded


def recorded(out: Path, wheel: str) -> dict[str, str]:
    """Return the hashes in an installed wheel's RECORD, by path."""
    lines = (site_packages(out) / f"{wheel}-1.0.dist-info/RECORD").read_text().splitlines()
    return {path: value for path, value, _ in csv.reader(lines)}


def test_a_file_that_two_wheels_bring_alike_is_there_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shared = {"dbt/include/__init__.py": b"# a namespace\n"}
    wheels = [
        wheel(tmp_path, shared | {f"dbt/{name}.py": b"one = 1\n"}, name)
        for name in ("core", "duckdb")
    ]
    install_wheels.install_wheels(wheels, VENV, tmp_path / "out")
    assert {path.name for path in (site_packages(tmp_path / "out") / "dbt").glob("*.py")} == {
        "core.py",
        "duckdb.py",
    }
    for name in ("core", "duckdb"):
        assert "dbt/include/__init__.py" in recorded(tmp_path / "out", name)
    assert capsys.readouterr() == ("", "")


def test_of_two_different_files_the_later_one_is_there_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wheels = [
        wheel(tmp_path, {"dbt/__init__.py": f"'{name}'\n".encode()}, name)
        for name in ("core", "duckdb")
    ]
    for number, order in enumerate((wheels, wheels[::-1])):
        out = tmp_path / str(number)
        install_wheels.install_wheels(order, VENV, out)
        there = (site_packages(out) / "dbt/__init__.py").read_bytes()
        assert there == f"'{order[-1].name.partition('-')[0]}'\n".encode()
        # What is recorded is what is there, for both wheels.
        for name in ("core", "duckdb"):
            assert recorded(out, name)["dbt/__init__.py"] == f"sha256={digest(there)}"
        (said,) = capsys.readouterr().err.splitlines()
        assert "/site-packages/dbt/__init__.py" in said
        assert f"that of {order[1].name} replaces that of {order[0].name}" in said


def test_a_link_in_a_files_place_is_replaced_and_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "host").write_text("the host's")
    link = tmp_path / "out/opt/venv/bin/hello"
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path / "host")
    install_wheels.install_wheels([wheel(tmp_path)], VENV, tmp_path / "out")
    assert (tmp_path / "host").read_text() == "the host's"
    assert link.read_text().startswith("#!/opt/venv/bin/python\n")


def test_two_installations_are_the_same_bytes(tmp_path: Path) -> None:
    contents = []
    for name in ("first", "second"):
        out = tmp_path / name
        install_wheels.install_wheels([wheel(tmp_path)], VENV, out)
        contents.append(
            {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()}
        )
    assert contents[0] == contents[1]


def test_a_store_path_gives_the_wheel_its_own_name_back(tmp_path: Path) -> None:
    stored = tmp_path / "0n6rzydkb1v9ggg269p1l883nl83wny1-hello-1.0-py3-none-any.whl"
    wheel(tmp_path).rename(stored)
    link = install_wheels.under_own_name(stored, tmp_path)
    assert link.name == "hello-1.0-py3-none-any.whl"
