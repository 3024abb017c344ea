from support.world import apt_config, key, template, world

__all__ = ["apt_config", "key", "template", "world"]
