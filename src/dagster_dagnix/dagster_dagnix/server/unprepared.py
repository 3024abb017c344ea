"""Code that Dagster shows as broken, with the reason why there is no other code to load."""

import os

from dagster_dagnix.server.prepare import ERROR_VARIABLE

raise ImportError(os.environ.get(ERROR_VARIABLE, "there is no code to load"))
