"""Backups of an instance, each in one archive, which the service `backup` writes and restores."""
