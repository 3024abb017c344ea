"""The services whose images both ways build; Postgres is the same in both stacks."""

SERVICES = ("webserver", "daemon", "pipes")
