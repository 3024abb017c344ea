"""Which of Postgres's processes serve clients."""

import pytest

from bench.used import CLIENT


@pytest.mark.parametrize(
    ("title", "is_client"),
    [
        ("postgres: dagster_pipes dagster [local] idle", True),
        ("postgres: storage dagster 10.89.0.4(51234) idle in transaction", True),
        ("postgres: checkpointer ", False),
        ("postgres: autovacuum launcher ", False),
    ],
)
def test_a_client_is_told_by_its_title(title: str, *, is_client: bool) -> None:
    assert bool(CLIENT.match(title)) is is_client
