import base64
import hashlib
import importlib.util
import zipfile
from pathlib import Path

import install_wheels

VENV = Path("/opt/venv")


def wheel(folder: Path, *, broken: bool = False) -> Path:
    """Make a wheel: a module, a console script, a web page, and a template that is no Python."""
    files = {
        "hello/__init__.py": b"def main():\n    return 'hello'\n",
        "hello/template.py": b"class {{ name }}:\n",
        "hello/page.js": b"let a\n",
        "hello/page.js.map": b"{}\n",
        "hello-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: hello\nVersion: 1.0\n",
        "hello-1.0.dist-info/WHEEL": (
            b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        ),
        "hello-1.0.dist-info/entry_points.txt": b"[console_scripts]\nhello = hello:main\n",
    }
    record = "".join(
        f"{name},sha256={digest(data if not broken else b'')},{len(data)}\n"
        for name, data in files.items()
    )
    path = folder / "hello-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
        archive.writestr("hello-1.0.dist-info/RECORD", record + "hello-1.0.dist-info/RECORD,,\n")
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
