"""What is told of a container."""

import pytest

from dagnix.stack.containers import Container
from dagnix.stack.health import Health
from dagnix.status.services import row

WELL = Health(healthy=True, says="answers")


def container(name: str) -> Container:
    labels = {"com.docker.compose.service": "pipes"}
    return Container(
        {
            "Name": name,
            "ImageName": "image",
            "Config": {"Labels": labels, "Hostname": "new"},
            "State": {"Status": "running", "StartedAt": "2026-11-28T14:00:00.123456789Z"},
        }
    )


@pytest.mark.parametrize(
    ("host", "healthy", "serves"),
    [("new", True, True), ("old", False, False), ("", False, False), (None, True, None)],
)
def test_a_code_location_that_another_container_serves_is_not_well(
    host: str | None, *, healthy: bool, serves: bool | None
) -> None:
    told = row(container("x_pipes_1"), WELL, host)
    assert (told.healthy, told.serves) == (healthy, serves)
    assert ("`./dagnix up`" in told.says) is not healthy


def test_a_draining_container_that_serves_no_more_is_well() -> None:
    told = row(container("x_pipes_1-new-draining"), WELL, "other")
    assert (told.service, told.healthy, told.serves) == ("pipes (draining)", True, False)


def test_one_that_an_older_dagnix_has_set_aside_is_draining_too() -> None:
    assert row(container("x_pipes_1-new-former"), WELL, "other").service == "pipes (draining)"
