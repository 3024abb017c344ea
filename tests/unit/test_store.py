"""What the tests themselves leave in the Nix store: nothing."""

import sys


def test_python_keeps_what_it_compiles_outside_the_store() -> None:
    assert sys.pycache_prefix, (
        "pytest writes beside the modules that it imports, which are in the Nix store; root may: "
        "a layer that is built after that has another digest. Run it with `./dagnix test` or in "
        "`nix develop`, or set PYTHONPYCACHEPREFIX."
    )
