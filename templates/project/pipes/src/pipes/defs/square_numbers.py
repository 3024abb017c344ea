"""An asset to begin with, and the job `example`, which `./dagnix up` runs once."""

import dagster as dg

COUNT = 10


@dg.asset
def square_numbers() -> dg.MaterializeResult:
    """List the first square numbers."""
    return dg.MaterializeResult(metadata={"numbers": [n * n for n in range(1, COUNT + 1)]})


example = dg.define_asset_job("example", selection=[square_numbers])
