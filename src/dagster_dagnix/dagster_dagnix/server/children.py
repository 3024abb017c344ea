"""What the forks do that are runs, steps and code servers."""

import json
import os
import sys
import traceback
from pathlib import Path

from dagster import DagsterInstance, DagsterRun, DagsterRunStatus
from dagster._grpc.types import ExecuteRunArgs, ExecuteStepArgs
from dagster._serdes import deserialize_value, serialize_value
from dagster._utils.error import serializable_error_info_from_exc_info

from dagster_dagnix import private, streams
from dagster_dagnix.protocol import RUN_SERVER_VARIABLE
from dagster_dagnix.server.checks import Unmet, check_dependencies
from dagster_dagnix.server.load import Load


def execute_run(load: Load, server: Path, run_id: str, report: int) -> int:
    """Execute a run, and write the status that it ended with into the file `report`.

    Nothing is written when it is not known to have ended: then the reporter sees to it.
    """
    load.enter()
    os.environ[RUN_SERVER_VARIABLE] = str(server)
    with DagsterInstance.get() as instance:
        run = instance.get_run_by_id(run_id)
        if run is None:
            raise SystemExit(f"The run {run_id} is not in the storage of this instance.")
        code = 0
        if run.status is DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, "The run was canceled before its process began.")
        elif not run.is_finished:
            _enter_code_of(load, run)
            streams.label_process(run_id)
            args = ExecuteRunArgs(
                job_origin=run.job_code_origin,
                run_id=run_id,
                instance_ref=instance.get_ref(),
            )
            code = private.dagster("api", "execute_run", serialize_value(args))
        run = instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            os.write(report, (run.status.value if run else "").encode() + b"\n")
    return code


def execute_step(load: Load, server: Path, arguments: str, report: int) -> int:
    """Execute steps of a run; `arguments` is a serialized ExecuteStepArgs."""
    load.enter()
    os.environ[RUN_SERVER_VARIABLE] = str(server)
    args = deserialize_value(arguments, ExecuteStepArgs)
    with DagsterInstance.from_ref(args.instance_ref) as instance:
        run = instance.get_run_by_id(args.run_id)
        if run is None:
            raise SystemExit(f"The run {args.run_id} is not in the storage of this instance.")
        _enter_code_of(load, run)
        streams.label_process(args.run_id, args.step_keys_to_execute or ())
        code = private.dagster("api", "execute_step", arguments)
    os.write(report, b"\n")
    return code


def serve_code(load: Load, socket: Path, errors: int, is_lazy: bool) -> int:
    """Serve the code; if it cannot be loaded, write why into the file `errors`, as JSON."""
    try:
        load.enter()
        if not is_lazy:
            check_dependencies(Path(load.folder))
        lazy = ["--lazy-load-user-code"] if is_lazy else []
        # Who looks at the server's ID knows which socket it has.
        own = ("--socket", str(socket), "--fixed-server-id", socket.name)
        return private.dagster("api", "grpc", *own, *load.options, *lazy)
    except Unmet as unmet:
        os.write(errors, json.dumps(unmet.answer).encode())
        print(unmet, file=sys.stderr)
    except BaseException:  # noqa: BLE001 - code may raise anything
        info = serializable_error_info_from_exc_info(sys.exc_info())
        os.write(errors, serialize_value(info).encode())
        traceback.print_exc()
    return 1


def _enter_code_of(load: Load, run: DagsterRun) -> None:
    os.environ["DAGSTER_RUN_JOB_NAME"] = run.job_name
    pointer = run.job_code_origin.repository_origin.code_pointer
    moved = load.at(getattr(pointer, "working_directory", None))
    if moved is not load:
        added = {name: os.environ[name] for name in (RUN_SERVER_VARIABLE, "DAGSTER_RUN_JOB_NAME")}
        Load(moved.folder, moved.options, {**moved.environment, **added}).enter()
