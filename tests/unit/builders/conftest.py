"""The builders are programs, not a package: they are imported from where they stand."""

import sys
from pathlib import Path

BUILDERS = Path(__file__).parents[3] / "nix" / "lib" / "builders"
sys.path.insert(0, str(BUILDERS))
