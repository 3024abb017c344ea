from pathlib import Path

import pytest

from dagnix import UserError
from dagnix.process import run
from dagnix.upgrade.plan import Change, Plan
from dagnix.versions import compatibility
from dagnix.versions.compatibility import Schema

SAME = Schema(frozenset({"b"}), frozenset({"b"}), frozenset({"a", "b"}))
BEHIND = Schema(frozenset({"a"}), frozenset({"b"}), frozenset({"a", "b"}))
UNKNOWN = Schema(frozenset({"c"}), frozenset({"b"}), frozenset({"a", "b"}))


def plan(before: str, after: str, schema: Schema = SAME, **images: tuple[str, str]) -> Plan:
    """Return a plan with these old and new images; services that are left out keep theirs."""
    services = ("daemon", "pipes", "postgres", "webserver")
    pairs = {name: images.get(name, ("same", "same")) for name in services}
    return Plan(
        {name: Change(name, old, new, before, after) for name, (old, new) in pairs.items()},
        ["pipes"],
        schema,
    )


NEW = ("old", "new")
ALL = {"daemon": NEW, "pipes": NEW, "webserver": NEW}


def order(made: Plan) -> list[str]:
    return [each.service for each in made.needed]


def test_the_code_is_never_newer_than_webserver_and_daemon_meanwhile() -> None:
    assert order(plan("1.13.9", "1.13.10", **ALL)) == ["daemon", "webserver", "pipes"]
    assert order(plan("1.13.10", "1.13.9", **ALL)) == ["pipes", "webserver", "daemon"]


def test_only_what_has_another_image_is_replaced_and_postgres_last() -> None:
    assert order(plan("1.13.9", "1.13.9")) == []
    assert order(plan("1.13.9", "1.13.9", webserver=NEW, postgres=NEW)) == ["webserver", "postgres"]


@pytest.mark.parametrize(
    ("before", "after", "schema", "migrates"),
    [
        ("1.13.9", "1.13.10", SAME, True),
        ("1.13.9", "1.13.9", SAME, False),
        ("1.13.9", "1.13.9", BEHIND, True),
        ("1.13.10", "1.13.9", SAME, False),
    ],
)
def test_a_newer_dagster_and_an_older_schema_need_a_migration(
    before: str, after: str, schema: Schema, migrates: bool
) -> None:
    assert plan(before, after, schema, **ALL).migrates is migrates


def test_a_service_without_a_container_goes_nowhere_back() -> None:
    made = plan("", "1.13.9", daemon=("", "new"), webserver=("", "new"))
    assert not made.goes_back
    assert order(made) == ["daemon", "webserver"]


def test_an_unknown_schema_is_refused_with_both_revisions() -> None:
    compatibility.require_known(BEHIND, "1.13.9")
    sentence = r"1\.13\.9 does not know .* revision is c, and the newest that 1\.13\.9 knows is b\."
    with pytest.raises(UserError, match=sentence):
        compatibility.require_known(UNKNOWN, "1.13.9")


def test_another_major_version_is_refused() -> None:
    compatibility.require_same_major(["1.13.9", "1.9.0"], "1.14.0")
    with pytest.raises(
        UserError, match=r"1\.13\.9 and 2\.0\.0 .* with dagster==1\.\* in pyproject"
    ):
        compatibility.require_same_major(["1.13.9"], "2.0.0")


@pytest.mark.parametrize("code", ["1.13.9", "1.13.8", "1.12.30", "1.13.9rc1"])
def test_code_with_the_same_or_an_older_dagster_fits(code: str) -> None:
    compatibility.require_not_newer({"pipes": code}, {"webserver": "1.13.9", "daemon": "1.13.9"})


@pytest.mark.parametrize("code", ["1.13.10", "1.14.0", "1.13.9.post1"])
def test_code_with_a_newer_dagster_is_refused(code: str) -> None:
    hosts = {"webserver": "1.14.1", "daemon": "1.13.9"}
    with pytest.raises(UserError, match=rf"pipes has Dagster {code}, and the daemon has 1\.13\.9,"):
        compatibility.require_not_newer({"pipes": code}, hosts)


def test_what_is_no_version_is_said() -> None:
    with pytest.raises(UserError, match="'latest' is no version of Dagster"):
        compatibility.is_newer("latest", "1.13.9")


def test_data_of_another_postgres_is_refused() -> None:
    compatibility.require_same_postgres("17", "17.6-0+deb13u1")
    with pytest.raises(UserError, match=r"PostgreSQL 17, which the image's 18 .* postgresql-17"):
        compatibility.require_same_postgres("17", "18.1-1")


def test_a_program_reads_and_writes_files_as_they_are(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"\xff\x00\r\n")
    with source.open("rb") as read, target.open("wb") as written:
        assert run(["cat"], "No", source=read, target=written).output == ""
    assert target.read_bytes() == b"\xff\x00\r\n"
