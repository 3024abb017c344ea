"""An executor whose steps are started as runs are: as forks of the run server."""

import multiprocessing
import os
from collections.abc import Iterator
from pathlib import Path

from dagster import Executor, InitExecutorContext, executor, multiprocess_executor
from dagster._core.events import DagsterEvent, EngineEventData
from dagster._core.execution.retries import RetryMode
from dagster._core.executor.step_delegating import (
    CheckStepHealthResult,
    StepDelegatingExecutor,
    StepHandler,
    StepHandlerContext,
)
from dagster._serdes import serialize_value
from dagster._utils import get_run_crash_explanation

from dagster_dagnix.private import (
    MULTI_PROC_CONFIG,
    StepDependencyConfig,
    multiple_process_executor_requirements,
)
from dagster_dagnix.protocol import RUN_SERVER_VARIABLE, ask

SLEEP_VARIABLE = "DAGSTER_STEP_DELEGATING_EXECUTOR_SLEEP_SECONDS"
SLEEP_SECONDS = (
    0.2  # between looks for events; Dagster's 1 s is for steps that take longer to start
)
HEALTH_SECONDS = 1


@executor(
    name="forked_steps",
    config_schema=MULTI_PROC_CONFIG,
    requirements=multiple_process_executor_requirements(),
)
def forked_step_executor(init_context: InitExecutorContext) -> Executor:
    """Execute each step in a process that the run server forks, in half a second less of CPU.

    Takes the place of Dagster's `multiprocess_executor`, with the same configuration::

        Definitions(..., executor=forked_step_executor)

    In a run that no run server has started, as with `dg dev` or in a test, it is that executor. Of
    the configuration, `start_method` and `step_execution_mode` matter only then.
    """
    server = os.environ.get(RUN_SERVER_VARIABLE)
    if not server:
        return multiprocess_executor.executor_creation_fn(init_context)
    config = init_context.executor_config
    return StepDelegatingExecutor(
        ForkedStepHandler(Path(server)),
        retries=RetryMode.from_config(config["retries"]),
        sleep_seconds=float(os.environ.get(SLEEP_VARIABLE) or SLEEP_SECONDS),
        check_step_health_interval_seconds=HEALTH_SECONDS,
        max_concurrent=config.get("max_concurrent") or multiprocessing.cpu_count(),
        tag_concurrency_limits=config.get("tag_concurrency_limits"),
        should_verify_step=True,
        step_dependency_config=StepDependencyConfig.from_config(
            config.get("step_dependency_config")
        ),
    )


class ForkedStepHandler(StepHandler):
    """Asks a run server to start steps, and after them."""

    def __init__(self, server: Path) -> None:
        self._server = server
        super().__init__()

    @property
    def name(self) -> str:
        """What the log of a run says of it."""
        return "ForkedStepHandler"

    def launch_step(self, step_handler_context: StepHandlerContext) -> Iterator[DagsterEvent]:
        """Have a step started. Raises RuntimeError when it cannot be."""
        args = step_handler_context.execute_step_args
        answer = ask(
            self._server,
            "start_step",
            key=_key(step_handler_context),
            run_id=args.run_id,
            arguments=serialize_value(args),
        )
        if "pid" not in answer:
            raise RuntimeError(answer.get("error") or answer.get("away"))
        yield DagsterEvent.step_worker_starting(
            step_handler_context.get_step_context(_step(step_handler_context)),
            message=f"Started process {answer['pid']} for the step.",
            metadata={},
        )

    def check_step_health(self, step_handler_context: StepHandlerContext) -> CheckStepHealthResult:
        """Tell whether a step's process lives, or ended after it had said how the step did."""
        answer = ask(self._server, "check", key=_key(step_handler_context))
        if not answer.get("known"):
            return CheckStepHealthResult.unhealthy("The run server knows no process of the step.")
        if answer["code"] is None or answer["reported"]:
            return CheckStepHealthResult.healthy()
        prefix = f"The step's process {answer['pid']}"
        return CheckStepHealthResult.unhealthy(get_run_crash_explanation(prefix, answer["code"]))

    def terminate_step(self, step_handler_context: StepHandlerContext) -> Iterator[DagsterEvent]:
        """Have a step end; it is killed if it does not."""
        ask(self._server, "end", key=_key(step_handler_context))
        yield DagsterEvent.engine_event(
            step_handler_context.get_step_context(_step(step_handler_context)),
            "The step's process was told to end.",
            EngineEventData(),
        )


def _step(context: StepHandlerContext) -> str:
    (step,) = context.execute_step_args.step_keys_to_execute
    return step


def _key(context: StepHandlerContext) -> str:
    """Return what the run server knows one attempt of a step by."""
    args = context.execute_step_args
    attempt = args.known_state.get_retry_state().get_attempt_count(_step(context))
    return f"{args.run_id}/{_step(context)}/{attempt}"
