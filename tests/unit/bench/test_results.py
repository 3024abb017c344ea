from pathlib import Path
from typing import Any

from bench import results
from bench.figure import Figure

OLD = {"cpu": "old", "cores": 1}
NEW = {"cpu": "new", "cores": 2}


def test_a_group_that_is_run_alone_leaves_the_others(tmp_path: Path) -> None:
    path = tmp_path / "bench" / "results.json"
    assert results.read(path) == {}
    groups: dict[str, Any] = {}
    for name in ("build", "start"):
        groups = results.merge(groups, name, [Figure.of(name, "s", [5])], OLD)
    results.write(path, groups)

    again = results.merge(results.read(path), "start", [Figure.of("start", "s", [1, 2])], NEW)
    results.write(path, again)
    found = results.read(path)
    assert list(found) == ["build", "start"]
    assert found["build"] == groups["build"]
    assert found["start"]["machine"] == NEW
    (figure,) = found["start"]["figures"]
    assert (figure["value"], figure["min"], figure["max"], figure["n"]) == (1.5, 1, 2, 2)
    assert [each.name for each in path.parent.iterdir()] == ["results.json"]
