"""The services whose images both variants build; Postgres is the same in both stacks."""

SERVICES = ("webserver", "daemon", "pipes")
