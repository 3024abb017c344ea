"""The images' digests → nix/digests.json, with which `nix flake check` compares what it builds."""

import json

from dagnix import UserError
from dagnix.checkout import Checkout
from dagnix.faults import Faults
from dagnix.locks import lockfile
from dagnix.locks.fetch import everything
from dagnix.locks.nix import build
from dagnix.locks.solve.relock import relock
from dagnix.locks.systems import host_system


def update(checkout: Checkout, faults: Faults) -> list[str]:
    """Build the images for this machine, write their digests and return which ones moved.

    Those of other machines stay. Raises UserError in a project of its own, and if Nix cannot build.
    """
    if not checkout.is_dagnix:
        raise UserError("The digests are of Dagnix's own images: a project has no such file.")
    system = host_system()
    everything.fetch(checkout, [system], faults, relock=relock)
    new = json.loads(build(checkout, "digests").read_text())
    old = lockfile.read(checkout.digests)
    lockfile.write(checkout.digests, {**old, system.name: new})
    before = old.get(system.name, {})
    return [f"{name} has another digest" for name in sorted(new) if new[name] != before.get(name)]
