"""The images' digests, as far as nothing is built for them."""

import json
from pathlib import Path

import pytest

from dagnix import UserError
from dagnix.checkout import Checkout
from dagnix.faults import Faults
from dagnix.locks.solve import digests
from dagnix.locks.systems import host_system


def test_those_of_this_machine_are_written_and_others_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = Checkout(tmp_path, tmp_path)
    here = host_system().name
    checkout.digests.parent.mkdir()
    checkout.digests.write_text(
        json.dumps({"another": {"daemon": "1"}, here: {"daemon": "1", "pipes": {"base": "1"}}})
    )
    built = tmp_path / "built"
    built.write_text(json.dumps({"daemon": "1", "pipes": {"base": "2"}, "postgres": "1"}))
    fetched = []
    monkeypatch.setattr(
        digests.everything, "fetch", lambda _, systems, *_more, **__: fetched.extend(systems)
    )
    monkeypatch.setattr(digests, "build", lambda *_: built)

    assert digests.update(checkout, Faults()) == [
        "pipes has another digest",
        "postgres has another digest",
    ]
    assert json.loads(checkout.digests.read_text()) == {
        "another": {"daemon": "1"},
        here: json.loads(built.read_text()),
    }
    assert digests.update(checkout, Faults()) == []
    assert fetched == [host_system()] * 2


def test_a_project_has_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Dagnix's own images"):
        digests.update(Checkout(tmp_path, tmp_path / "dagnix"), Faults())
