"""A run launcher for Kubernetes, which heeds the same tags as that for one host.

It needs dagster-k8s, which this package does not depend on.
"""

from dagster import DagsterRun
from dagster._core.launcher.base import LaunchRunContext
from dagster_k8s import K8sRunLauncher
from dagster_k8s.container_context import K8sContainerContext
from dagster_k8s.job import get_job_name_from_run_id

from dagster_dagnix import size
from dagster_dagnix.protocol import MEMORY_TAG


class KubernetesRunLauncher(K8sRunLauncher):
    """Launches each run as a Job, with the memory that its tag says.

    In dagster.yaml, with the configuration of `K8sRunLauncher`::

        run_launcher:
          module: dagster_dagnix.kubernetes
          class: KubernetesRunLauncher
          config:
            service_account_name: dagster
            instance_config_map: dagster-config
            job_namespace: dagster
    """

    def get_container_context_for_run(self, dagster_run: DagsterRun) -> K8sContainerContext:
        """Return what the run's Job has; the tag `dagnix/memory` sets how much memory that is.

        Raises ValueError, upon which the run has failed, when the tag is no size.
        """
        context = super().get_container_context_for_run(dagster_run)
        if MEMORY_TAG not in dagster_run.tags:
            return context
        try:
            memory = size.parse(dagster_run.tags[MEMORY_TAG])
        except ValueError as error:
            raise ValueError(
                f"The tag {MEMORY_TAG} of the run cannot be heeded: {error}"
            ) from error
        own = context.run_k8s_config
        config = {
            **own.container_config,
            "resources": _with_memory(own.container_config.get("resources") or {}, memory),
        }
        return context._replace(run_k8s_config=own._replace(container_config=config))

    def launch_run(self, context: LaunchRunContext) -> None:
        """Create the Job of a run, also of one that was queued on one host."""
        super().launch_run(context._replace(dagster_run=_with_image(context)))

    def is_executed(self, run: DagsterRun) -> bool:
        """Tell whether there is a Job of this run. Raises OSError when nobody tells."""
        namespace = self.get_container_context_for_run(run).namespace
        name = get_job_name_from_run_id(run.run_id)
        try:
            return self._api_client.get_job_status(job_name=name, namespace=namespace) is not None
        except Exception as error:
            raise OSError(f"Kubernetes does not tell of the Job {name}: {error}") from error


def _with_image(context: LaunchRunContext) -> DagsterRun:
    """Return the run with an image; a code server on one host names none for those that it makes.

    Such a run gets the image, and all else of its Job, that its code location has now.
    """
    run, origin = context.dagster_run, context.job_code_origin
    remote = run.remote_job_origin
    has_image = origin is not None and origin.repository_origin.container_image
    if has_image or remote is None or context.workspace is None:
        return run
    location = context.workspace.get_code_location(remote.location_name)
    repository = location.get_repository(remote.repository_origin.repository_name)
    now = repository.get_python_origin().get_job_origin(remote.job_name)
    return run._replace(job_code_origin=now)


def _with_memory(resources: dict[str, dict[str, str]], memory: int) -> dict[str, dict[str, str]]:
    """Return resources with so many bytes of memory; 0 is no limit."""
    limits = {key: value for key, value in resources.get("limits", {}).items() if key != "memory"}
    requests = dict(resources.get("requests", {}))
    if memory:
        # The scheduler finds a node that has it.
        limits["memory"] = requests["memory"] = str(memory)
    return {"limits": limits, "requests": requests}
