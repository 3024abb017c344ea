import json
import os
from pathlib import Path

import dagster as dg


class Service(dg.ConfigurableResource):
    key: str
    greeting: str


@dg.op
def answer(context: dg.OpExecutionContext, service: Service) -> None:
    found = {
        "secret": service.key,
        "file": Path(os.environ["API_KEY_FILE"]).read_text(),
        "setting": service.greeting,
        "podman's secret": os.environ["PODMANS_KEY"],
        "env_file": os.environ["OWN"],
    }
    context.instance.add_run_tags(context.run_id, {"answer": json.dumps(found)})


# Each step is a process of its own.
@dg.job
def from_secrets_and_settings() -> None:
    answer()


defs = dg.Definitions(
    jobs=[from_secrets_and_settings],
    resources={"service": Service(key=dg.EnvVar("API_KEY"), greeting=dg.EnvVar("GREETING"))},
)
