import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
from dagster_dbt import DbtCliResource, DbtProject, dbt_assets

PROJECT = Path(__file__).parent / "dbt"
TARGET = "DBT_TARGET_PATH"
dbt = DbtCliResource(project_dir=PROJECT)

# The image is read-only. The code server makes the manifest when it starts; runs inherit its path.
if TARGET not in os.environ:
    os.environ[TARGET] = tempfile.mkdtemp(prefix="dbt-")
    dbt.cli(["parse", "--quiet"], target_path=Path(os.environ[TARGET])).wait()

project = DbtProject(PROJECT, target_path=os.environ[TARGET])


# DuckDB's file has one writer at a time.
@dbt_assets(manifest=project.manifest_path, project=project, pool="warehouse")
def shop(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator:
    with tempfile.TemporaryDirectory() as target:
        yield from dbt.cli(["build"], context=context, target_path=Path(target)).stream()


defs = dg.Definitions(
    assets=[shop],
    jobs=[dg.define_asset_job("shop_build", executor_def=dg.in_process_executor)],
    resources={"dbt": dbt},
)
