"""A code location for the tests."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from dagster import (
    Config,
    Definitions,
    OpExecutionContext,
    Out,
    RetryPolicy,
    SkipReason,
    in_process_executor,
    job,
    op,
    schedule,
    sensor,
)

from dagster_dagnix import forked_step_executor


class Work(Config):
    """What an op does."""

    seconds: float = 0.0
    note: str = ""  # a file to write into once it has begun
    until: str = ""  # a file to wait for


def note(config: Work, text: str = "") -> None:
    """Tell the test that the op has begun, and wait for it."""
    if config.note:
        beside = Path(config.note + "~")
        beside.write_text(text)
        beside.rename(config.note)
    while config.until and not Path(config.until).exists():
        time.sleep(0.1)


@op
def work(config: Work) -> None:
    """Work for a while."""
    note(config, f"{Path.cwd()}\n{sys.path[0]}\n{os.environ.get('PLACE', '')}")
    time.sleep(config.seconds)


@op(retry_policy=RetryPolicy(max_retries=1), out=Out(int))
def retried(context: OpExecutionContext) -> int:
    """Succeed at the second try."""
    if not context.retry_number:
        raise ValueError("not yet")
    return os.getpid()


@op
def after(config: Work, before: int) -> None:
    """Work with what another step has made."""
    note(config, f"{before} {os.getpid()} {os.getppid()}")
    time.sleep(config.seconds)


@op
def crash_after(before: int) -> None:
    """End without a word, in a step of its own."""
    del before
    os.kill(os.getpid(), signal.SIGKILL)


@op
def ignore(config: Work) -> None:
    """Be cancelled in vain."""
    note(config)
    while True:
        with suppress(BaseException):
            time.sleep(60)


@op
def crash() -> None:
    """End without a word."""
    os.kill(os.getpid(), signal.SIGKILL)


@op
def leave(config: Work) -> None:
    """Leave a process behind, and end the run's as if all was well."""
    left = subprocess.Popen(["sleep", "600"])
    note(config, str(left.pid))
    os._exit(0)


@op
def grow(config: Work) -> None:
    """Take 300 MiB, in a process of its own that is in another session."""
    take = "import time; taken = b'x' * (300 << 20); time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", take], start_new_session=True)
    note(config, str(child.pid))
    child.wait()
    raise ValueError("the child has ended")


@job(executor_def=in_process_executor)
def grows() -> None:
    grow()


@op(out=Out(int))
def say(context: OpExecutionContext) -> int:
    """Write to all that a log may have lines from."""
    name = context.op_handle.name
    print(f"printed by {name}")
    os.write(2, f"written by {name}: {{\n".encode() + b"\xff\xfe\n")
    context.log.info("logged by %s", name)
    return 0


@op
def say_at_last(context: OpExecutionContext, before: int) -> None:
    """Print in a step after another one."""
    print(f"printed by {context.op_handle.name} {before}")


@job(executor_def=forked_step_executor)
def says() -> None:
    say_at_last(say())


@job(executor_def=in_process_executor)
def says_in_process() -> None:
    say_at_last(say())


@job(executor_def=in_process_executor)
def works() -> None:
    work()


@job(executor_def=in_process_executor)
def ignores() -> None:
    ignore()


@job(executor_def=in_process_executor)
def crashes() -> None:
    crash()


@job(executor_def=in_process_executor)
def leaves() -> None:
    leave()


@job(executor_def=forked_step_executor)
def steps() -> None:
    after(retried())


@job(executor_def=forked_step_executor)
def crashes_in_a_step() -> None:
    crash_after(retried())


@schedule(job=works, cron_schedule="* * * * *")
def every_minute() -> dict:
    """Run each minute, once it is turned on."""
    return {}


@sensor(job=works)
def looks() -> SkipReason:
    """Find nothing."""
    return SkipReason("there is nothing")


defs = Definitions(
    jobs=[says, says_in_process, works, grows, ignores, crashes, leaves, steps, crashes_in_a_step],
    schedules=[every_minute],
    sensors=[looks],
)
