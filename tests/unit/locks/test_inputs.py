"""What a fetch downloads, of the real locks."""

import pytest
from support.stack import ROOT

from dagnix.checkout import Checkout
from dagnix.faults import Faults
from dagnix.locks import inputs, lockfile
from dagnix.locks.solve import golang
from dagnix.locks.systems import host_system


@pytest.fixture
def checkout() -> Checkout:
    return Checkout(ROOT, ROOT)


def test_what_only_tests_compile_is_left_out(checkout: Checkout) -> None:
    everyones = {each.module for each in inputs.read(checkout, [host_system()], Faults()).vendors}
    tests = {each.module for each in inputs.for_tests(checkout)}
    assert tests == {"tests/kubernetes/cluster"}
    assert everyones | tests == lockfile.read(checkout.lock("go")).keys() == set(golang.MODULES)
    assert not everyones & tests
