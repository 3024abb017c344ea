"""Postgres away for a while, and back."""

import time

from support.podman import Podman
from support.served import Served

AWAY_SECONDS = 15


def test_the_webserver_launches_at_once_when_postgres_is_back(
    mounted: Served, podman: Podman
) -> None:
    # Its connections are cut, and each that it used again would fail a launch.
    mounted.team.dashboard.wait_for_job("short")
    container = mounted.stack.container("postgres")
    podman("stop", container)
    time.sleep(AWAY_SECONDS)
    podman("start", container)
    mounted.stack.wait_for_health("postgres")
    assert mounted.answer() == "first"
