"""Which versions are there, and which work together: of Dagster, its schema and PostgreSQL."""
