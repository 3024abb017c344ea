"""Everything in the folder `defs` is found, and fits together."""

import dagster as dg

from pipes.definitions import defs


def test_all_are_found_and_loadable() -> None:
    definitions = defs()
    dg.Definitions.validate_loadable(definitions)
    repository = definitions.get_repository_def()
    assert {key.to_user_string() for key in repository.asset_graph.get_all_asset_keys()} == {
        "daily_weather",
        "stored_weather",
        "monthly_summary",
        "recent_weather",
    }
    assert {"example", "weather_day", "summaries"} <= set(repository.job_names)
    assert [sensor.name for sensor in repository.sensor_defs] == ["new_weather_files"]
    assert [schedule.name for schedule in repository.schedule_defs] == ["refresh_summaries"]


def test_sensor_and_schedule_are_on_from_the_start() -> None:
    repository = defs().get_repository_def()
    assert repository.get_sensor_def("new_weather_files").default_status.value == "RUNNING"
    assert repository.get_schedule_def("refresh_summaries").default_status.value == "RUNNING"
