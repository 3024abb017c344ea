"""What the assets and the sensor work with, configured from the environment."""

import dagster as dg

from pipes.incoming import Incoming
from pipes.storage import Storage


@dg.definitions
def resources() -> dg.Definitions:
    """Name the resources as the assets' parameters do."""
    return dg.Definitions(
        resources={
            "incoming": Incoming.from_environment(),
            "storage": Storage.from_environment(),
        }
    )
