"""On one host nobody imports the client of Kubernetes, which takes a second of CPU and 60 MB."""

import subprocess
import sys

from support.stack import ROOT

# What webserver and daemon import there, and the launcher that config/dagster.yaml names.
PROGRAM = """
import sys
import dagster._daemon.cli
import dagster_dagnix.requeue, dagster_dagnix.server.server, dagster_dagnix.webserver
from dagster._core.instance.ref import InstanceRef
launcher = InstanceRef.from_dir(sys.argv[1]).run_launcher
print(type(launcher).__name__, sorted({"dagster_k8s", "kubernetes"} & set(sys.modules)))
"""


def test_the_client_of_kubernetes_is_not_imported() -> None:
    command = [sys.executable, "-c", PROGRAM, ROOT / "config"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "ForkedRunLauncher []\n"
