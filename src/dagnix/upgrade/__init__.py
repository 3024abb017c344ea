"""Upgrades: a new Dagster in place of the one that runs, service by service."""
