"""The code of a location: how Dagster loads it, its settings, its secrets, its mounted folder."""
