"""Become the program of Dagster's that the arguments name."""

import runpy
import shutil
import sys

del sys.argv[0]
runpy.run_path(shutil.which(sys.argv[0]), run_name="__main__")
