"""The stack as an ordinary user runs it: podman without root."""

import json
import os
import secrets
import shutil
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
from dagster import DagsterRunStatus
from support import reach
from support.command import run, wait_until
from support.dashboard import Dashboard
from support.podman import Podman
from support.stack import ROOT, SERVICES, free_port

from dagnix.images.layout import Layout
from dagnix.stack import location_service

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0,
    reason="only root may make a user; and as an ordinary user all other tests are rootless",
)

LISTENING = (
    "pipes",
    "postgres",
    "webserver",
    "backup",
    "gate",
)  # on sockets in folders of these names
TEAM = "team"  # another code location
RUNS = "{ runsOrError { ... on Runs { results { runId } } } }"
TUN = os.makedev(10, 200)  # Linux' number of /dev/net/tun

# podman 4.5 and later read the one, earlier ones the other.
SETTINGS = ("CONTAINERS_CONF_OVERRIDE", "CONTAINERS_CONF")


@dataclass(frozen=True)
class User:
    """An ordinary user with a home, a /tmp and containers of its own."""

    name: str
    home: Path
    environment: dict[str, str]

    def run(self, *words: str | Path, check: bool = True) -> str:
        """Run a program as this user; return what it printed, or "" if it may fail and does."""
        # Of its own, as not on every host they are open to all users: /tmp, and the device for
        # networks (without udev it is root's; `./dagnix doctor` tells a user the cure).
        mounts = f"mount --bind {self.home}/tmp /tmp; mount --bind {self.home}/net /dev/net"  # noqa: S108
        private = f'{mounts}; cd {self.home}; exec "$@"'
        account = ["setpriv", f"--reuid={self.name}", f"--regid={self.name}", "--init-groups"]
        variables = [f"{name}={value}" for name, value in self.environment.items()]
        command = ["unshare", "--mount", "sh", "-c", private, "sh", *account]
        done = run([*command, "env", "-i", *variables, *words], check=check)
        return done.stdout if done.returncode == 0 else ""


@pytest.fixture
def user(podman: Podman) -> Iterator[User]:
    name = f"dagnix-{secrets.token_hex(4)}"
    home = Path("/var/tmp") / name  # noqa: S108 - a fresh name, made by useradd
    run(["useradd", "--create-home", f"--home-dir={home}", "--shell=/usr/sbin/nologin", name])
    try:
        for folder, mode in (("run", 0o700), ("tmp", 0o700), ("stack", 0o755), ("net", 0o755)):
            (home / folder).mkdir(mode=mode)
            shutil.chown(home / folder, name, name)
        os.mknod(home / "net" / "tun", 0o666 | stat.S_IFCHR, TUN)
        (home / "net" / "tun").chmod(0o666)
        yield User(name, home, _environment(home, podman))
    finally:
        # Podman leaves a process that keeps the user namespace.
        for pid in run(["pgrep", "--uid", name], check=False).stdout.split():
            run(["kill", "-KILL", pid], check=False)
        gone = ["pgrep", "--uid", name]
        wait_until(lambda: run(gone, check=False).returncode == 1, "the user's processes ended")
        run(["userdel", name])
        shutil.rmtree(home)


def _environment(home: Path, podman: Podman) -> dict[str, str]:
    variables = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "XDG_RUNTIME_DIR": str(home / "run"),
        # Podman 4.3's own choice may be vfs, which copies each layer whole.
        "STORAGE_DRIVER": "overlay",
        "DAGNIX_PORT": str(free_port()),
        "DAGNIX_SECRETS_DIR": str(home / "stack" / "secrets"),
        "DAGNIX_BACKUPS_DIR": str(home / "stack" / "backups"),
    }
    for setting in SETTINGS:
        if given := podman.environment.get(setting):
            variables[setting] = str(shutil.copy(given, home / "containers.conf"))
    return variables


def test_the_stack_runs_without_root(
    user: User, images: dict[str, str], layouts: dict[str, Layout]
) -> None:
    for name, layout in layouts.items():
        image = user.run("podman", "pull", "--quiet", f"oci:{layout.folder.resolve()}").strip()
        user.run("podman", "tag", image, images[name])
        user.environment["DAGNIX_VERSION"] = images[name].rpartition(":")[2]
    folder = user.home / "stack"
    shutil.copy(ROOT / "compose.yaml", folder)
    _write_secrets(folder / "secrets", user.name)
    scheduled = folder / "backups" / "scheduled"
    sockets, logs = (folder / ".dagnix" / name for name in ("sockets", "compute_logs"))
    listening = [sockets / "rootless" / name for name in (*LISTENING, TEAM)]
    printing = [logs / "rootless", *(logs / "rootless" / name for name in ("pipes", TEAM))]
    for open_to_all in (scheduled, *listening, *printing):
        open_to_all.mkdir(parents=True)
        open_to_all.chmod(0o777)
    for closed in (sockets, logs):
        closed.chmod(0o700)
    team = location_service.write(folder, TEAM)
    run(["chown", "-R", f"{user.name}:{user.name}", folder])
    shutil.copy(ROOT / "VERSION", folder)
    user.environment["DAGNIX_ROOT"] = str(folder)
    dagnix = (ROOT / ".dagnix" / "roots" / "cli").resolve() / "bin" / "dagnix"
    user.run("sh", "-c", f"printf hush | {dagnix} secret set API_KEY")

    compose = ("podman-compose", f"--file={folder / 'compose.yaml'}", "--project-name=rootless")
    both = (*compose, f"--file={team}")
    user.run(*compose, "up", "--detach")
    for name in (*SERVICES, "backup", "alerts"):
        health = ("gate", "health") if name == "gate" else ("runtime", "health", name)
        check = ("podman", "exec", f"rootless_{name}_1", f"/opt/dagster/bin/{health[0]}")
        wait_until(lambda words=(*check, *health[1:]): user.run(*words, check=False), name)
    dashboard = Dashboard(int(user.environment["DAGNIX_PORT"]))
    dashboard.wait_for_job("example")
    run_id, status = dashboard.run("example")
    assert status is DagsterRunStatus.SUCCESS
    # The secret's file belongs to the user in the containers, and to nobody on the host.
    secret = folder / "secrets" / "shared" / "API_KEY"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o400
    assert secret.stat().st_uid not in {0, folder.stat().st_uid, 10001}
    read = "print(open('/run/secrets/shared/API_KEY').read())"
    assert user.run("podman", "exec", "rootless_pipes_1", "python", "-c", read) == "hush\n"

    # Other users of the host are kept out of the sockets, pipelines out of a gate without a login.
    there = reach.sockets(sockets / "rootless", 0)
    assert {name.partition("/")[0] for name in there} == set(LISTENING)
    assert set(there.values()) == {"connected"}
    others = reach.sockets(sockets / "rootless", reach.CONTAINERS_USER)
    assert others == dict.fromkeys(there, "PermissionError")
    python = ("podman", "exec", "rootless_pipes_1", "python3.13", "-c")
    assert user.run(*python, reach.ask("gate")).startswith(
        "403 Refused: while nobody has to log in"
    )
    reached = json.loads(user.run(*python, reach.dial("gate", "postgres", "webserver", "daemon")))
    assert [to for to, how in reached.items() if how == "connected"] == ["gate:3000"]
    _require_networks_kept_out(user, images["pipes"], run_id)
    _require_locations_apart(user, images["pipes"], both)

    user.run(*both, "down", "--volumes")
    for kind in (("ps", "--all"), ("volume", "ls"), ("network", "ls", "--filter=name=rootless")):
        assert user.run("podman", *kind, "--quiet").split() == []


def _require_networks_kept_out(user: User, image: str, run_id: str) -> None:
    """Require that another network, the host and who routes through it get at the gate at most."""
    network = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    shown = ("podman", "inspect", "--format", network)
    gate, pipes = (user.run(*shown, f"rootless_{name}_1").strip() for name in ("gate", "pipes"))
    user.run("podman", "network", "create", "rootless_other")
    python = ("podman", "run", "--rm", "--network=rootless_other", "--entrypoint=python3.13", image)
    code = reach.dial(gate, pipes)
    said = json.loads(user.run(*python, "-c", code))
    assert [to for to, how in said.items() if how == "connected"] == [f"{gate}:3000"]
    assert user.run(*python, "-c", reach.ask(gate)).startswith("403 Refused")
    user.run("podman", "network", "rm", "rootless_other")
    # No way leads there from outside the user's containers; who has that address here is another.
    asked = reach.ask(gate, f"/graphql?query={quote(RUNS)}")
    for said in (run([sys.executable, "-c", asked]).stdout, reach.as_neighbour(asked)):
        assert run_id not in said


def _require_locations_apart(user: User, image: str, compose: tuple[str, ...]) -> None:
    """Require that two code locations, of one image here, get at nothing of each other's."""
    user.run("podman", "tag", image, image.replace("/pipes:", f"/{TEAM}:"))
    user.run("podman", "exec", "rootless_postgres_1", "/opt/dagster/bin/runtime", "roles")
    user.run(*compose, "up", "--detach", "--no-recreate", TEAM)
    check = ("podman", "exec", f"rootless_{TEAM}_1", "/opt/dagster/bin/runtime", "health", "pipes")
    wait_until(lambda: user.run(*check, check=False), TEAM)
    for name, other in ((TEAM, "pipes"), ("pipes", TEAM)):
        look = ("podman", "exec", f"rootless_{name}_1", "python", "-c", reach.look(name, other))
        found = json.loads(user.run(*look))
    assert found == reach.seen("pipes", TEAM)


def _write_secrets(folder: Path, owner: str) -> None:
    folder.mkdir(mode=0o700)
    for name in ("dagster-password", "storage-password"):
        (folder / name).write_text(secrets.token_hex(16))
        (folder / name).chmod(0o444)
    (folder / "storage").mkdir(mode=0o755)
    (folder / "storage" / TEAM).write_text(secrets.token_hex(16))
    shutil.chown(folder, owner, owner)
