import json
from importlib import metadata
from pathlib import Path

import dagster as dg
import shared_code
import tiny


@dg.op
def answer(context: dg.OpExecutionContext) -> None:
    packages = [each.name for each in metadata.distributions() if each.name.startswith("package-")]
    found = {
        "packages": len(packages),
        "tiny": tiny.ANSWER,
        "shared_code": shared_code.ANSWER,
        "library": metadata.version("library"),
        "files": sorted(path.name for path in Path(__file__).parent.glob("*.*")),
    }
    context.instance.add_run_tags(context.run_id, {"answer": json.dumps(found)})


@dg.job(executor_def=dg.in_process_executor)
def from_many_packages() -> None:
    answer()


defs = dg.Definitions(jobs=[from_many_packages])
