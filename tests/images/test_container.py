"""The Dagster images as single containers, without a stack."""

import json

import pytest
from support.podman import Workbench

DAGSTER = ("webserver", "daemon", "pipes")
# Where the container's user may write, out of these.
LOOK = """
import ctypes.util, json, os, pathlib
def writable(path):
    try:
        pathlib.Path(path, "probe").touch()
    except OSError:
        return False
    return True
status = dict(line.split(":\\t") for line in open("/proc/self/status").read().splitlines())
places = ["/", "/tmp", "/etc", "/opt/dagster", "/opt/dagster/home", "/var/lib/dagster"]
print(json.dumps({
    "user": [os.getuid(), os.getgid()],
    "capabilities": {status[name].strip() for name in ("CapPrm", "CapEff", "CapBnd")}.pop(),
    "writable": [place for place in places if writable(place)],
    "libraries": {name: ctypes.util.find_library(name) for name in ("c", "z", "ssl", "sqlite3")},
    "python": os.path.realpath("/usr/bin/python3.13"),
}))
"""


@pytest.mark.parametrize("service", DAGSTER)
def test_it_runs_hardened_as_an_ordinary_user(
    workbench: Workbench, images: dict[str, str], service: str
) -> None:
    seen = json.loads(workbench.python(images[service], LOOK))
    assert seen == {
        "user": [10001, 10001],
        "capabilities": "0" * 16,
        # Podman gives every read-only container a /tmp.
        "writable": ["/tmp"],  # noqa: S108
        "libraries": {
            "c": "libc.so.6",
            "z": "libz.so.1",
            "ssl": "libssl.so.3",
            "sqlite3": "libsqlite3.so.0",
        },
        "python": "/usr/bin/python3.13",
    }


def test_no_answer_from_postgres_ends_the_start_with_a_sentence(
    workbench: Workbench, images: dict[str, str]
) -> None:
    environment = ("--env=DAGSTER_PG_HOST=127.0.0.1", "--env=DAGNIX_WAIT_SECONDS=1")
    options = ("--rm", "--network=none", *environment)
    done = workbench.run(images["daemon"], options=options, check=False)
    assert done.returncode == 1
    assert "Postgres does not answer at 127.0.0.1:5432" in done.stderr
    assert "DAGNIX_WAIT_SECONDS" in done.stderr
    assert "panic" not in done.stderr


def test_a_secret_that_is_not_there_is_named(workbench: Workbench, images: dict[str, str]) -> None:
    file = "--env=DAGSTER_PG_PASSWORD_FILE=/run/secrets/dagster-password"
    options = ("--rm", "--network=none", "--env=DAGSTER_PG_HOST=127.0.0.1", file)
    done = workbench.run(images["webserver"], options=options, check=False)
    assert done.returncode == 1
    assert "the secret file /run/secrets/dagster-password is missing" in done.stderr
