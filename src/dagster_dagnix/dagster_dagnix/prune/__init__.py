"""Deletes what an instance keeps no longer: `retention` in dagster.yaml says how long."""
