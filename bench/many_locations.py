"""A stack with more code locations: the service `pipes` again, under other names."""

from pathlib import Path

import yaml

from bench.variants.variant import Variant
from dagnix.code_locations import FIRST
from dagnix.project import Project
from dagnix.stack.location_service import named


def with_locations(variant: Variant, count: int) -> Project:
    """Return the variant's instance with so many code locations, of one image and one role.

    Where the workspace of the copy names them, images are to be built anew.
    """
    names = [f"{FIRST}{number}" for number in range(2, count + 1)]
    (file, *_) = variant.project.compose_files
    like = yaml.safe_load(Path(file).read_text())["services"][FIRST]
    same = {key: like[key] for key in ("image", "secrets") if key in like}
    added = {
        "services": {
            name: {
                **named(like, name),
                **same,
                "environment": {**like["environment"], "DAGNIX_LOCATION": name},
            }
            for name in names
        },
        "volumes": {f"{name}-data": {} for name in names},
    }
    path = variant.folder / f"{count}-locations.yaml"
    path.write_text(yaml.safe_dump(added))
    _write_workspace(variant.workspace, names)
    return variant.project.with_compose_file(str(path))


def _write_workspace(path: Path, names: list[str]) -> None:
    workspace = yaml.safe_load(path.read_text())
    first = workspace["load_from"][0]
    if "host" not in first["grpc_server"]:
        return  # of sockets `./dagnix` makes the list
    others = [
        {"grpc_server": {"host": name, "port": 4000, "location_name": name}} for name in names
    ]
    path.write_text(yaml.safe_dump({**workspace, "load_from": [first, *others]}))
