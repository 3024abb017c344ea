"""Imports once what each fork would import by itself."""

import gc
import importlib
from contextlib import suppress

NEEDED = (
    "dagster._cli.api",
    "dagster._core.definitions.antlr_asset_selection.antlr_asset_selection",
    "dagster._core.executor.multiprocess",
    "dagster._core.storage.local_compute_log_manager",
    "dagster._core.storage.root",
    "dagster._grpc.server",
    "dagster._utils.test.definitions",
    "dagster.components.core.snapshot",
    "dagster_postgres",
    "psycopg2.extras",
    "sqlalchemy.dialects.postgresql.psycopg2",
    "upath",
    "dagster_dagnix",
)


def import_all() -> None:
    """Import Dagster and what it imports later, and nothing of the user's."""
    gc.disable()  # it finds nothing, in a tenth of the time that this takes
    for module in NEEDED:
        with suppress(ModuleNotFoundError):  # in another version of Dagster
            importlib.import_module(module)
    gc.enable()
