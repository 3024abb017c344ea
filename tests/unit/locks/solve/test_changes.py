"""What a lock says of itself."""

from dagnix.locks.solve.changes import describe


def _packages(**versions: str) -> dict[str, dict[str, str]]:
    return {name: {"version": version, "sha256": version} for name, version in versions.items()}


def test_change_of_all_systems_is_one_line() -> None:
    old, new = _packages(a="1", b="1", c="1"), _packages(a="2", b="1", d="1")
    assert describe({"x": old, "y": old}, {"x": new, "y": new}) == [
        "a 1 → 2",
        "c removed, was 1",
        "d added, 1",
    ]


def test_change_of_one_system_names_it() -> None:
    old, new = _packages(a="1"), _packages(a="2")
    assert describe({"x": old, "y": old}, {"x": new, "y": old}) == ["a 1 → 2 (x)"]


def test_same_version_in_another_file_is_a_change() -> None:
    old = {"x": {"a": {"version": "1", "sha256": "one"}}}
    new = {"x": {"a": {"version": "1", "sha256": "another"}}}
    assert describe(old, new) == ["a 1: another file of the same version"]
