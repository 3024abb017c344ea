import dagster as dg

from pipes.definitions import defs


def test_the_job_lists_the_first_square_numbers() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        result = defs().resolve_job_def("example").execute_in_process(instance=instance)
    (event,) = result.asset_materializations_for_node("square_numbers")
    assert event.metadata["numbers"].value == [1, 4, 9, 16, 25, 36, 49, 64, 81, 100]
