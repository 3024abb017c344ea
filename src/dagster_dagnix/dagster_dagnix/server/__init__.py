"""The run server, `python -m dagster_dagnix.server`: the main process of a location's container.

It starts each run as a fork of itself, serves the location's code by another fork, and knows how
each of them ended. One thread, no instance, no gRPC channel and no connection to the database: so
it is safe to fork.
"""
