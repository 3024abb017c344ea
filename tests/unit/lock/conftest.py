import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "fetch"))

from world import apt_config, key, template, world

__all__ = ["apt_config", "key", "template", "world"]
