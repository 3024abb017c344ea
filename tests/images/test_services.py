"""The images as services of the stack: what runs, how it ends, what its health check costs."""

from pathlib import Path

import pytest
from support.podman import Podman, Workbench
from support.stack import SERVICES, Stack

DAGSTER = ("webserver", "daemon", "pipes")
COMMANDS = {
    "webserver": "dagster_dagnix.webserver",
    "daemon": "dagster-daemon",
    "pipes": "dagster_dagnix.server",
    "postgres": "postgres",
    "gate": "gate",
}
# The processor time of one health check, in seconds.
LIMIT = 0.1
CHECKS = 10


@pytest.mark.parametrize("service", SERVICES)
def test_the_entrypoint_becomes_the_service_without_privileges(
    stack: Stack, podman: Podman, service: str
) -> None:
    process = _first_process(podman, stack.container(service))
    words = (process / "cmdline").read_text().split("\0")
    # A console script's interpreter comes first.
    assert COMMANDS[service] in {Path(word).name for word in words}
    status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines())
    assert {status[name] for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert status["NoNewPrivs"] == "1"
    (root,) = [
        line for line in (process / "mountinfo").read_text().splitlines() if line.split()[4] == "/"
    ]
    assert root.split()[5].split(",")[0] == "ro"


def _first_process(podman: Podman, container: str) -> Path:
    """Find what the image started in /proc: process 1, or the child of podman's init."""
    seen = podman.inspect(container)
    if not seen["HostConfig"].get("Init"):
        return Path("/proc", str(seen["State"]["Pid"]))
    init = seen["State"]["Pid"]
    (child,) = Path(f"/proc/{init}/task/{init}/children").read_text().split()
    return Path("/proc", child)


@pytest.mark.parametrize("service", DAGSTER)
def test_no_password_is_in_the_environment_that_podman_shows(
    stack: Stack, podman: Podman, service: str
) -> None:
    password = (stack.secrets / "dagster-password").read_text().strip()
    assert password not in podman("inspect", stack.container(service)).stdout


@pytest.mark.parametrize("service", DAGSTER)
def test_a_health_check_costs_little(stack: Stack, service: str) -> None:
    code = (
        "import resource, subprocess\n"
        f"check = ['/opt/dagster/bin/runtime', 'health', '{service}']\n"
        f"for _ in range({CHECKS}): subprocess.run(check, check=True, capture_output=True)\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(used.ru_utime + used.ru_stime)"
    )
    assert float(stack.python(service, code)) / CHECKS < LIMIT


def test_a_health_check_of_postgres_costs_little(stack: Stack) -> None:
    one = "/opt/dagster/bin/runtime health postgres >/dev/null || exit"
    # The second line is that of the children: minutes and seconds in user and in system mode.
    script = f"{'; '.join([one] * CHECKS)}; times"
    children = stack.exec("postgres", "sh", "-c", script).stdout.splitlines()[1].split()
    minutes_and_seconds = [part.rstrip("s").split("m") for part in children]
    used = sum(60 * int(minutes) + float(seconds) for minutes, seconds in minutes_and_seconds)
    assert used / CHECKS < LIMIT


def test_a_wrong_password_ends_the_start_with_a_sentence(
    stack: Stack, workbench: Workbench, images: dict[str, str]
) -> None:
    environment = ("--env=DAGSTER_PG_HOST=/run/dagnix/postgres", "--env=DAGSTER_PG_PASSWORD=wrong")
    sockets = f"--volume={stack.sockets}:/run/dagnix:ro"
    options = ("--rm", "--network=none", sockets, *environment)
    done = workbench.run(images["daemon"], options=options, check=False)
    assert done.returncode == 1
    assert 'refuses the password of the role "dagster"' in done.stderr
    assert "wrong" not in done.stderr


def test_sigterm_ends_each_by_itself(stack: Stack, podman: Podman) -> None:
    codes = {}
    for service in DAGSTER:
        # An idle service has nothing to wait for; podman kills it after that time.
        podman("stop", "--time=60", stack.container(service))
        codes[service] = podman.inspect(stack.container(service))["State"]["ExitCode"]
    for service in DAGSTER:
        podman("start", stack.container(service))
    stack.wait_for_health(*DAGSTER)
    assert codes == dict.fromkeys(DAGSTER, 0)
