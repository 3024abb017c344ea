"""Alerts: where they go, and what only the host can tell the service that sends them."""
