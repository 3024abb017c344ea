"""Prunes an instance now and then, in a process of its own that gives way to all others.

The webserver does this: it has the rights of the owner of Dagster's tables and all compute logs,
and reaches the run servers, which have the files of steps.
"""

import asyncio
import logging
import os
import sys

from dagster import DagsterInstance

from dagster_dagnix.prune.once import storage_of
from dagster_dagnix.prune.times import is_due

COMMAND = (sys.executable, "-P", "-m", "dagster_dagnix.prune", "--quiet")
# Not at the same time as all else that a start has to do.
FIRST_SECONDS, AGAIN_SECONDS = 600.0, 1800.0
VARIABLE = "DAGNIX_PRUNE_SECONDS"


async def prune_daily(instance: DagsterInstance) -> None:
    """Prune whenever that is due, until this task is cancelled; say so if it fails."""
    log = logging.getLogger("dagster-webserver")
    await asyncio.sleep(float(os.environ.get(VARIABLE) or FIRST_SECONDS))
    while True:
        try:
            hours = storage_of(instance).retention.every_hours
            if await asyncio.to_thread(is_due, instance, hours):
                await _prune(log)
        except Exception as error:  # noqa: BLE001 - the dashboard goes on, and it is tried again
            log.warning("The instance is not pruned now: %s", error)
        await asyncio.sleep(AGAIN_SECONDS)


async def _prune(log: logging.Logger) -> None:
    process = await asyncio.create_subprocess_exec(*COMMAND)
    try:
        code = await process.wait()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if code:
        log.warning("The instance was not pruned as a whole: its process ended with %s.", code)
