"""Dagnix's command line: it orders nix, podman, podman-compose and Dagster's webserver.

Each folder is a room, and needs only rooms below it (tests/unit/test_rooms.py):

    commands/   a file for each command: what it takes, and what it does with the rooms below
    doctor/     what is wrong with this host, and its cure
    upgrade/    another Dagster in place of the one that runs, service by service
    backups/    database, roles and files, into an archive and back
    locations/  code locations beside the first one
    deploy/     build, start, healthy, cut over, drain: deploy.py has it from top to bottom
    alerts/     where alerts go, and what only the host can tell the service that sends them
    testing/    what only tests and measurements use
    versions/   which versions are there, and which are compatible
    code/       a location's code: how Dagster loads it, its settings, secrets and mounted folder
    images/     built by Nix, loaded into podman, tagged there
    stack/      the running stack: containers, health, the dashboard, and who may change it
    access/     who may log in, and the files that only containers may read
    locks/      which files enter the images: locks, what solves them, what downloads them
    host/       this host's podman, Nix and git

What all of them stand on is beside the folders: project.py, checkout.py, process.py, console.py …
"""


class UserError(Exception):
    """One clear sentence: what is wrong and what to do. Shown without a traceback."""
