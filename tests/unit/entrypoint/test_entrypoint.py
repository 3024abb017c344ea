"""The Go tests of src/entrypoint, with the locked Go and Debian's PostgreSQL."""

import json
import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[3]
SYSTEM = "x86_64-linux"


def nix(*words: str) -> str:
    return subprocess.run(
        ["nix", *words],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ).stdout


def test_runtime(tmp_path: Path) -> None:
    (vendor,) = (
        entry["path"]
        for entry in json.loads(nix("eval", "--json", f".#locked.{SYSTEM}"))
        if entry["kind"] == "go" and entry["name"] == "src/entrypoint"
    )
    nix("build", ".#go", "--out-link", str(tmp_path / "go"))
    (goroot,) = (tmp_path / "go/usr/lib").glob("go-*")
    module = tmp_path / "module"
    shutil.copytree(ROOT / "src/entrypoint", module)
    (module / "vendor").symlink_to(f"{vendor}/vendor")
    shutil.copytree(ROOT / "tests" / "projects", tmp_path / "tests" / "projects")
    # Go itself would end them after ten minutes, which a busy machine may take.
    tested = subprocess.run(
        [goroot / "bin/go", "test", "-timeout=2h", "./..."],
        check=False,
        capture_output=True,
        text=True,
        cwd=module,
        env={
            **os.environ,
            "GOROOT": str(goroot),
            "GOPATH": str(tmp_path / "path"),
            # As nix/checks/runtime.sh has it: half of the CPU where Go has compiled nothing yet.
            "GOFLAGS": "-mod=vendor '-gcflags=all=-l -c=1'",
            "GOGC": "400",
            "GOPROXY": "off",
            "GOTOOLCHAIN": "local",
            "CGO_ENABLED": "0",
        },
    )
    assert tested.returncode == 0, tested.stdout + tested.stderr
