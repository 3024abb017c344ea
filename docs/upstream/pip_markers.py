"""pip resolves for another machine by its wheels, and for this one by environment markers.

With --platform and --python-version, what a package needs only on the other machine is left out.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from zipfile import ZipFile

OTHER = "aarch64", "3.99"
NEEDS = "needed; platform_machine == 'aarch64' and python_version >= '3.99'"


def wheel(folder: Path, name: str, requires: Iterable[str] = ()) -> None:
    """Write a wheel that has nothing but its name and what it requires."""
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0"]
    metadata += [f"Requires-Dist: {each}" for each in requires]
    files = {
        "METADATA": "\n".join(metadata) + "\n",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }
    with ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        for file, text in files.items():
            archive.writestr(f"{name}-1.0.dist-info/{file}", text)


machine, python = OTHER
with tempfile.TemporaryDirectory() as path:
    folder = Path(path)
    wheel(folder, "needed")
    wheel(folder, "asks", [NEEDS])
    words = ["install", "--quiet", "--dry-run", "--ignore-installed", "--no-index"]
    words += [f"--find-links={folder}", f"--target={folder}/none", "--only-binary=:all:"]
    words += [f"--platform=manylinux_2_28_{machine}", f"--python-version={python}"]
    words += [f"--report={folder}/report.json", "asks"]
    subprocess.run([sys.executable, "-m", "pip", *words], check=True)
    report = json.loads((folder / "report.json").read_text())

names = sorted(each["metadata"]["name"] for each in report["install"])
print(f"For Python {python} on {machine} pip would install", *names)
sys.exit("needed" not in names)
