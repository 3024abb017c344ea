"""`python -m dagster_dagnix.webserver`: dagster-webserver on a Unix socket.

The application and all options are dagster-webserver's, but `--socket PATH` is in the place of
`--host` and `--port`. At /metrics Prometheus reads how the instance is. Beside serving, it prunes
the instance once a day. It needs dagster-webserver and prometheus-client, which this package does
not depend on.
"""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import click
import uvicorn
from dagster import DagsterInstance
from dagster._cli.workspace.cli_target import WorkspaceOpts, workspace_opts_to_load_target
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._utils.interrupts import setup_interrupt_handlers
from dagster._utils.log import configure_loggers
from dagster_webserver.app import create_app_from_workspace_process_context
from dagster_webserver.cli import dagster_webserver
from dagster_webserver.version import __version__

from dagster_dagnix.metrics import page as metrics
from dagster_dagnix.prune.daily import prune_daily

MODE = 0o660  # who may connect: this user and its group
ENVIRONMENT_PREFIX = "DAGSTER_WEBSERVER"


def listen(path: Path) -> socket.socket:
    """Return a socket that listens at `path`, in place of what a webserver has left there."""
    listener = socket.socket(socket.AF_UNIX)
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    try:
        listener.bind(str(beside))
    except OSError as error:
        raise click.UsageError(
            f"The socket {path} cannot be made: {error.strerror or error}. "
            "--socket must name a file in a folder that this user can write."
        ) from error
    beside.chmod(MODE)
    listener.listen(2048)
    beside.rename(path)
    return listener


def serve(  # noqa: PLR0913, PLR0917 - dagster-webserver's options
    socket: Path,
    path_prefix: str,
    db_statement_timeout: int,
    db_pool_recycle: int,
    db_pool_max_overflow: int,
    read_only: bool,
    uvicorn_log_level: str,
    dagster_log_level: str,
    log_format: str,
    code_server_log_level: str,
    live_data_poll_rate: int,
    **others: Any,
) -> None:
    """Serve Dagster's web interface until the process is told to end."""
    if others.pop("suppress_warnings", False):
        os.environ["PYTHONWARNINGS"] = "ignore"
    workspace = WorkspaceOpts.extract_from_cli_options(others)
    configure_loggers(formatter=log_format, log_level=dagster_log_level.upper())
    setup_interrupt_handlers()
    with DagsterInstance.get() as instance:
        instance.optimize_for_webserver(db_statement_timeout, db_pool_recycle, db_pool_max_overflow)
        with WorkspaceProcessContext(
            instance,
            version=__version__,
            read_only=read_only,
            workspace_load_target=workspace_opts_to_load_target(workspace),
            code_server_log_level=code_server_log_level,
        ) as context:
            app = create_app_from_workspace_process_context(
                context, path_prefix, live_data_poll_rate, lifespan=_lifespan(instance)
            )
            # Before Dagster's own, of which the last answers at every path.
            app.router.routes.insert(0, metrics.route(context, path_prefix))
            listener = listen(socket)
            logging.getLogger("dagster-webserver").info("Serving Dagster's UI on %s", socket)
            config = uvicorn.Config(app, log_level=uvicorn_log_level)
            try:
                with suppress(KeyboardInterrupt):  # which uvicorn raises at its end, upon a signal
                    uvicorn.Server(config).run(sockets=[listener])
            finally:
                socket.unlink(missing_ok=True)


def _lifespan(instance: DagsterInstance) -> Callable[[object], AbstractAsyncContextManager[None]]:
    """Return what is done around the application: the instance is pruned meanwhile."""

    @asynccontextmanager
    async def around(_app: object) -> AsyncIterator[None]:
        pruning = asyncio.create_task(prune_daily(instance))
        with suppress(asyncio.CancelledError):  # at its end, as in dagster-webserver
            try:
                yield
            finally:
                pruning.cancel()
                await asyncio.wait([pruning])

    return around


def command() -> click.Command:
    """Return the command line, made of dagster-webserver's options."""
    path = click.Option(
        ["--socket"],
        required=True,
        type=click.Path(path_type=Path),
        help="The Unix socket to serve on.",
    )
    left_out = {"host", "port", "instance_ref", "shutdown_pipe"}
    options = [each for each in dagster_webserver.params if each.name not in left_out]
    return click.Command(
        "dagster_dagnix.webserver",
        callback=serve,
        params=[path, *options],
        help="Serve Dagster's web interface on a Unix socket.",
    )


if __name__ == "__main__":
    command().main(
        prog_name="python -m dagster_dagnix.webserver", auto_envvar_prefix=ENVIRONMENT_PREFIX
    )
