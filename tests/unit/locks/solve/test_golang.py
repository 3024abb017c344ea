"""go.mod as far as the lock reads it."""

from dagnix.locks.solve import golang

GO_MOD = """
module dagnix/tools

go 1.24

require github.com/nlewo/nix2container v1.0.0

require (
\tgithub.com/lib/pq v1.12.3
\tgithub.com/docker/docker v20.10.12+incompatible // indirect
)
"""


def test_requirements_of_a_go_mod() -> None:
    assert golang.requirements(GO_MOD) == {
        "github.com/nlewo/nix2container": ("v1.0.0", True),
        "github.com/lib/pq": ("v1.12.3", True),
        "github.com/docker/docker": ("v20.10.12+incompatible", False),
    }


def test_only_what_the_code_imports_is_upgraded_by_name() -> None:
    assert golang.direct(golang.requirements(GO_MOD)) == [
        "github.com/nlewo/nix2container",
        "github.com/lib/pq",
    ]
