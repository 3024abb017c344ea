"""An instance as Prometheus reads it, for `python -m dagster_dagnix.webserver`.

What is asked often is read with queries that use an index, and only when Prometheus asks. It needs
prometheus-client, which this package does not depend on.
"""
