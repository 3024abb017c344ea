import csv
import importlib.util
from pathlib import Path

import install_wheels
import pytest
from support.wheels import digest, wheel

VENV = Path("/opt/venv")
HELLO = {
    "hello/__init__.py": b"def main():\n    return 'hello'\n",
    "hello/template.py": b"class {{ name }}:\n",  # no Python
    "hello/page.js": b"let a\n",
    "hello/page.js.map": b"{}\n",
}


def site_packages(out: Path) -> Path:
    (found,) = out.glob("opt/venv/lib/python3*/site-packages")
    return found


def test_scripts_and_metadata_are_those_of_the_image(tmp_path: Path) -> None:
    install_wheels.install_wheels([wheel(tmp_path, HELLO)], VENV, tmp_path / "out")
    script = (tmp_path / "out/opt/venv/bin/hello").read_text()
    assert script.startswith("#!/opt/venv/bin/python\n")
    installed = site_packages(tmp_path / "out")
    assert (installed / "hello-1.0.dist-info/INSTALLER").read_text() == "dagnix\n"


def test_compiled_files_are_unchecked_and_know_the_path_in_the_image(tmp_path: Path) -> None:
    install_wheels.install_wheels([wheel(tmp_path, HELLO)], VENV, tmp_path / "out")
    module = site_packages(tmp_path / "out") / "hello" / "__init__.py"
    compiled = Path(importlib.util.cache_from_source(str(module))).read_bytes()
    assert int.from_bytes(compiled[4:8], "little") == 0b01  # hash-based, unchecked: PEP 552
    assert b"/opt/venv/lib" in compiled
    assert str(tmp_path).encode() not in compiled


def test_source_maps_are_left_out_and_not_recorded(tmp_path: Path) -> None:
    install_wheels.install_wheels([wheel(tmp_path, HELLO)], VENV, tmp_path / "out")
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
    install_wheels.install_wheels([wheel(tmp_path, HELLO)], VENV, tmp_path / "out")
    assert (tmp_path / "host").read_text() == "the host's"
    assert link.read_text().startswith("#!/opt/venv/bin/python\n")


def test_two_installations_are_the_same_bytes(tmp_path: Path) -> None:
    contents = []
    for name in ("first", "second"):
        out = tmp_path / name
        install_wheels.install_wheels([wheel(tmp_path, HELLO)], VENV, out)
        contents.append(
            {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()}
        )
    assert contents[0] == contents[1]


def test_a_store_path_gives_the_wheel_its_own_name_back(tmp_path: Path) -> None:
    stored = tmp_path / "0n6rzydkb1v9ggg269p1l883nl83wny1-hello-1.0-py3-none-any.whl"
    wheel(tmp_path, HELLO).rename(stored)
    link = install_wheels.under_own_name(stored, tmp_path)
    assert link.name == "hello-1.0-py3-none-any.whl"


def test_a_tree_comes_first_with_its_links_and_may_be_written_to(tmp_path: Path) -> None:
    tree, out = tmp_path / "tree", tmp_path / "out"
    (tree / "opt/venv/bin").mkdir(parents=True)
    (tree / "opt/venv/bin/python").symlink_to("/usr/bin/python3.13")
    (tree / "opt/venv/bin/tail").write_bytes(b"a program")
    (tree / "opt/venv/bin/tail").chmod(0o555)
    (tree / "opt/venv/bin").chmod(0o555)  # as in the store
    stored = tmp_path / "0n6rzydkb1v9ggg269p1l883nl83wny1-hello-1.0-py3-none-any.whl"
    wheel(tmp_path, HELLO).rename(stored)

    install_wheels.main(["--venv", str(VENV), "--out", str(out), f"--with={tree}", str(stored)])
    there = out / "opt/venv/bin"
    assert {path.name for path in there.iterdir()} == {"python", "tail", "hello"}
    assert str((there / "python").readlink()) == "/usr/bin/python3.13"
    assert (there / "tail").stat().st_mode & 0o777 == 0o555
    assert (there / "tail").read_bytes() == b"a program"


def test_a_wheel_from_the_store_has_its_own_name_again(tmp_path: Path) -> None:
    made = wheel(tmp_path, HELLO)
    stored = made.rename(tmp_path / f"0123-{made.name}")
    linked = tmp_path / "linked"
    linked.mkdir()
    assert install_wheels.under_own_name(stored, linked) == linked / made.name
    # What is built from a source archive is a folder that has the wheel.
    built = tmp_path / "0123-wheel-of-hello-1.0"
    built.mkdir()
    stored.rename(built / made.name)
    assert install_wheels.under_own_name(built, linked) == built / made.name
