"""What podman finds on this host, as the kernel tells it (standard library only)."""

import os
import re
import resource
import shutil
from dataclasses import dataclass
from pathlib import Path

from dagnix.process import run

# The limits that podman 4 asks for when it runs as root, unless containers.conf sets others.
PODMAN_LIMIT = 1048576
# podman lowers its own limit of processes to this, so containers cannot have more.
PODMAN_PROCESSES = 32768
# Linux since then lets users mount overlay file systems, SELinux or not.
ROOTLESS_OVERLAY_SINCE = (5, 13)
HELPER_FOLDERS = ("/usr/libexec/podman", "/usr/lib/podman", "/usr/sbin", "/sbin")


@dataclass(frozen=True)
class PodmanHost:
    """The facts that decide whether podman needs settings of its own here.

    `open_files` and `processes` are the hard limits, or None where podman can set what it likes.
    `vfs` tells that podman would start a user's storage with the driver vfs for want of a setting.
    """

    podman: tuple[int, int]
    open_files: int | None
    processes: int | None
    hybrid_cgroups: bool
    crun: bool
    runc: bool
    netavark: bool
    cni: bool
    vfs: bool


def find_program(name: str) -> str | None:
    """Return the path of a program, looked for also where podman keeps its helpers."""
    return shutil.which(name) or shutil.which(name, path=os.pathsep.join(HELPER_FOLDERS))


def podman_version() -> tuple[int, int]:
    """Return podman's major and minor version; (0, 0) if it does not tell."""
    said = run(["podman", "--version"], "Podman does not answer", timeout=20).output
    match = re.search(r"(\d+)\.(\d+)", said)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def cgroups_are_hybrid(mounts: str) -> bool:
    """Tell from the text of /proc/self/mounts whether cgroup v1 and v2 are both mounted."""
    kinds = {line.split()[2] for line in mounts.splitlines() if len(line.split()) > 2}
    return {"cgroup", "cgroup2"} <= kinds


def blocked_limit(kind: int) -> int | None:
    """Return the hard limit if podman, as root, cannot raise it to what it asks for.

    Raising it for a moment is the one sure test: inside a user namespace CAP_SYS_RESOURCE is
    there and yet not enough.
    """
    soft, hard = resource.getrlimit(kind)
    if os.geteuid() != 0 or hard == resource.RLIM_INFINITY or hard >= PODMAN_LIMIT:
        return None
    try:
        resource.setrlimit(kind, (soft, PODMAN_LIMIT))
    except (ValueError, OSError):
        return hard
    resource.setrlimit(kind, (soft, hard))
    return None


def starts_with_vfs() -> bool:
    """Tell whether nothing says which storage driver a user gets, and overlay would work."""
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share")
    folders = (config / "containers", Path("/etc/containers"), Path("/usr/share/containers"))
    release = re.match(r"(\d+)\.(\d+)", os.uname().release)
    return (
        os.geteuid() != 0
        and not {"STORAGE_DRIVER", "CONTAINERS_STORAGE_CONF"} & set(os.environ)
        and not any((folder / "storage.conf").exists() for folder in folders)
        and not (data / "containers/storage/vfs").exists()
        and release is not None
        and (int(release[1]), int(release[2])) >= ROOTLESS_OVERLAY_SINCE
    )


def probe() -> PodmanHost:
    """Look at this host; takes some tens of milliseconds.

    Raises:
        UserError: podman is not installed.

    """
    network_files = Path("/etc/cni/net.d")
    return PodmanHost(
        podman=podman_version(),
        open_files=blocked_limit(resource.RLIMIT_NOFILE),
        processes=blocked_limit(resource.RLIMIT_NPROC),
        hybrid_cgroups=cgroups_are_hybrid(Path("/proc/self/mounts").read_text()),
        crun=find_program("crun") is not None,
        runc=find_program("runc") is not None,
        netavark=find_program("netavark") is not None,
        cni=network_files.is_dir() and any(network_files.iterdir()),
        vfs=starts_with_vfs(),
    )
