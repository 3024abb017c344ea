"""Dagster finds every definition in this folder by itself: a new file is all it takes."""
