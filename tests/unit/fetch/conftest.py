import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from world import apt_config, key, template, world

__all__ = ["apt_config", "key", "template", "world"]
