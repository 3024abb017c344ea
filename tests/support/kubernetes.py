"""Kubernetes on this host: a control plane and one node, in namespaces of Linux of their own.

Its programs come from the Nix store, and from Debian packages that are unpacked and not installed.
"""

import hashlib
import io
import json
import os
import secrets
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import registry
from dagnix.testing import debian
from support.command import run, wait_until
from support.stack import ROOT

PACKAGES = ("containerd", "containernetworking-plugins", "docker-registry", "etcd-server")
TOKEN = secrets.token_hex()  # of who may do everything
REGISTRY = "127.0.0.1:5000"  # on the node's own loopback, where containerd needs no certificate
NODE = "node"
PAUSE = "localhost/pause:1"
CGROUPS = Path("/sys/fs/cgroup")
# Process 1: it reaps what containerd leaves. All processes end with it, and it ends with the
# tests, which hold its stdin. Kubernetes writes below these folders of a host, so each is empty and
# goes with the mount namespace. A copy of another test's mount would keep its files.
INIT = """
awk '$5 ~ "^/var/lib/." { print $5 }' /proc/self/mountinfo |
  xargs --no-run-if-empty umount --lazy --quiet || true  # with one go those below it
for folder in /run /var/lib /var/log; do mount -t tmpfs tmpfs "$folder"; done
ip link set lo up
echo 1 > /proc/sys/net/ipv4/ip_forward
echo ready
exec 3<&0
cat <&3 & wait
"""


@dataclass(frozen=True)
class Network:
    """Addresses that others on this host do not have: three networks and the two ends of a link."""

    number: int

    def address(self, network: int, host: int) -> str:
        """Return an address; `network` is 0 for pods, 1 for Services, 2 for the node's link."""
        return f"10.{self.number}.{network}.{host}"

    @property
    def pods(self) -> str:
        return f"{self.address(0, 0)}/24"

    @property
    def services(self) -> str:
        return f"{self.address(1, 0)}/24"

    @property
    def node(self) -> str:
        """The node's address, which API server and DNS listen on."""
        return self.address(2, 1)

    @property
    def host(self) -> str:
        """The other end of the link, on this host."""
        return self.address(2, 2)


@dataclass(frozen=True)
class Cluster:
    """A cluster that works. `programs` and `debian` are the folders of its programs."""

    folder: Path
    programs: Path
    debian: Path
    network: Network
    init: int  # its process 1, as this host numbers it
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def on_its_network(self) -> list[str]:
        """What stands before a command that reaches the registry."""
        return ["nsenter", f"--target={self.init}", "--net"]

    def kubectl(
        self, *words: str | Path, check: bool = True, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl as one who may do everything."""
        config = f"--kubeconfig={self.folder / 'config'}"
        return run([self.programs / "kubectl", config, *words], check=check, stdin=stdin)

    def get(self, *words: str) -> Any:
        """Return what `kubectl get` finds."""
        return json.loads(self.kubectl("get", "--output=json", *words).stdout)

    def volumes(self, namespace: str, claims: Sequence[str]) -> Path:
        """Make a volume for each claim; return the folder that has theirs, by their names."""
        for claim in claims:
            path = self.folder / "volumes" / namespace / claim
            path.mkdir(parents=True)
            path.chmod(0o777)  # pods have another uid
            spec = {
                "capacity": {"storage": "20Gi"},
                "accessModes": ["ReadWriteMany", "ReadWriteOnce"],
                "claimRef": {"namespace": namespace, "name": claim},
                "hostPath": {"path": str(path)},
            }
            metadata = {"name": f"{namespace}-{claim}"}
            volume = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata}
            self.kubectl("apply", "--filename=-", stdin=json.dumps({**volume, "spec": spec}))
        return self.folder / "volumes" / namespace

    def start(self, name: str, program: str | Path, *words: str, **options: str) -> None:
        """Start a program on the node; its log has its name. `options` are its flags."""
        flags = [f"--{key.replace('_', '-')}={value}" for key, value in options.items()]
        path = f"{self.debian}/usr/bin:{self.debian}/usr/sbin:{os.environ['PATH']}:/usr/sbin:/sbin"
        everything = [f"--target={self.init}", "--mount", "--net", "--pid"]
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                ["nsenter", *everything, "--", program, *words, *flags],
                env={**os.environ, "PATH": path},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.started.append(process)


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """Start a cluster whose node is ready; with the block all of it ends."""
    run([ROOT / "dagnix", "fetch", "--locked", "--tests"])
    programs = _built("kubernetes") / "bin"
    packages = folder / "debian"
    packages.mkdir()
    for package in PACKAGES:
        debian.unpack(package, packages)
    network = Network(128 + secrets.randbelow(100))  # podman's own begin with 10.89
    spaces = ["--net", "--pid", "--mount", "--mount-proc", "--fork", "--kill-child"]
    process = subprocess.Popen(
        ["unshare", *spaces, "sh", "-euc", INIT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    made: Cluster | None = None
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", "the namespaces cannot be made"
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        made = Cluster(folder, programs, packages, network, int(children.read_text()))
        _link(made)
        _control_plane(made)
        _node(made)
        yield made
    except AssertionError as error:
        for log in sorted(folder.glob("*.log")):
            error.add_note(f"{log.name} ends with:\n{log.read_text(errors='replace')[-2000:]}")
        raise
    finally:
        process.kill()
        process.wait()
        for each in made.started if made else ():
            each.wait()
        for path in _cgroups(folder):
            _remove(path)
        shutil.rmtree(folder, ignore_errors=True)


def _built(package: str) -> Path:
    link = ROOT / ".dagnix" / "roots" / package
    # An hour: on a slow and busy machine the compiler takes a while.
    run(["nix", "build", "--out-link", link, f"{ROOT}#{package}"], seconds=3600)
    return link


def _link(made: Cluster) -> None:
    """Connect the node with this host; the link goes with the node's namespace."""
    network, name = made.network, f"kube{made.network.number}"
    peer = ["peer", "name", "host", "netns", str(made.init)]
    run(["ip", "link", "add", name, "type", "veth", *peer])
    inside = made.on_its_network
    for before, end, address in (([], name, network.host), (inside, "host", network.node)):
        run([*before, "ip", "address", "add", f"{address}/24", "dev", end])
        run([*before, "ip", "link", "set", end, "up"])
    run([*inside, "ip", "route", "add", "default", "via", network.host])
    for reached in (network.services, network.pods):
        run(["ip", "route", "add", reached, "via", network.node])


def _control_plane(made: Cluster) -> None:
    folder, programs, network = made.folder, made.programs, made.network
    _certificates(folder, network)
    server = f"https://{network.node}:6443"
    _write(
        folder / "config",
        kind="Config",
        apiVersion="v1",
        clusters=[
            {
                "name": NODE,
                "cluster": {"server": server, "certificate-authority": f"{folder}/ca.pem"},
            }
        ],
        users=[{"name": NODE, "user": {"token": TOKEN}}],
        contexts=[{"name": NODE, "context": {"cluster": NODE, "user": NODE}}],
        **{"current-context": NODE},
    )
    (folder / "tokens.csv").write_text(f"{TOKEN},admin,admin,system:masters\n")
    client, peer = "http://127.0.0.1:2379", "http://127.0.0.1:2380"
    made.start(
        "etcd",
        made.debian / "usr/bin/etcd",
        "--unsafe-no-fsync",
        data_dir=f"{folder}/etcd",
        listen_client_urls=client,
        advertise_client_urls=client,
        listen_peer_urls=peer,
        initial_advertise_peer_urls=peer,
        initial_cluster=f"default={peer}",
    )
    made.start(
        "kube-apiserver",
        programs / "kube-apiserver",
        etcd_servers=client,
        bind_address=network.node,
        advertise_address=network.node,
        service_cluster_ip_range=network.services,
        tls_cert_file=f"{folder}/api.pem",
        tls_private_key_file=f"{folder}/api.key",
        token_auth_file=f"{folder}/tokens.csv",
        service_account_key_file=f"{folder}/api.key",
        service_account_signing_key_file=f"{folder}/api.key",
        service_account_issuer="https://kubernetes.default.svc",
        authorization_mode="RBAC",
        kubelet_preferred_address_types="InternalIP",
    )
    # What the node needs meanwhile, and no API server.
    _containerd(made)
    wait_until(
        lambda: made.kubectl("get", "--raw=/readyz", check=False).returncode == 0,
        "the API server is ready",
    )
    config = f"{folder}/config"
    same = {"kubeconfig": config, "leader_elect": "false", "bind_address": "127.0.0.1"}
    same |= {"authentication_kubeconfig": config, "authorization_kubeconfig": config}
    made.start("kube-scheduler", programs / "kube-scheduler", **same)
    made.start(
        "kube-controller-manager",
        programs / "kube-controller-manager",
        "--use-service-account-credentials",
        service_account_private_key_file=f"{folder}/api.key",
        root_ca_file=f"{folder}/ca.pem",
        **same,
    )


def _containerd(made: Cluster) -> None:
    folder = made.folder
    pods = {
        "cniVersion": "0.4.0",
        "name": "pods",
        "plugins": [
            {
                # Through the node, and not a bridge, so that answers of a Service find back.
                "type": "ptp",
                "ipam": {
                    "type": "host-local",
                    "ranges": [[{"subnet": made.network.pods}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            }
        ],
    }
    (folder / "cni").mkdir()
    _write(folder / "cni" / "pods.conflist", **pods)
    (folder / "containerd.toml").write_text(f"""
version = 2
root = "{folder}/containerd"
state = "/run/containerd"
[grpc]
address = "/run/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
path = "{folder}/opt"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{PAUSE}"
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{made.debian}/usr/lib/cni"
conf_dir = "{folder}/cni"
""")
    made.start("containerd", made.debian / "usr/bin/containerd", config=f"{folder}/containerd.toml")
    words = registry.serve(made.debian / "usr/bin/docker-registry", folder, REGISTRY)
    made.start("registry", *words)
    _write_pause(folder / "pause.tar", _built("debug-tools"))
    control = [made.debian / "usr/bin/ctr", "--address=/run/containerd.sock", "--namespace=k8s.io"]
    inside = ["nsenter", f"--target={made.init}", "--mount", "--net", "--pid", "--"]
    importing = [*inside, *control, "images", "import", folder / "pause.tar"]
    wait_until(lambda: run(importing, check=False).returncode == 0, "containerd takes an image")


def _node(made: Cluster) -> None:
    folder, network, config = made.folder, made.network, f"{made.folder}/config"
    for path in _cgroups(folder):
        path.mkdir()
    _write(
        folder / "kubelet.json",
        kind="KubeletConfiguration",
        apiVersion="kubelet.config.k8s.io/v1beta1",
        containerRuntimeEndpoint="unix:///run/containerd.sock",
        cgroupDriver="cgroupfs",
        cgroupRoot=f"/{folder.name}",
        failCgroupV1=False,
        failSwapOn=False,
        oomScoreAdj=0,
        address=network.node,
        healthzPort=0,
        clusterDNS=[network.node],
        clusterDomain="cluster.local",
        resolvConf="/dev/null",
        authentication={"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        authorization={"mode": "AlwaysAllow"},
        # The disk is not the node's own.
        evictionHard={"memory.available": "50Mi", "nodefs.available": "1%"},
        imageGCHighThresholdPercent=100,
    )
    made.start(
        "kubelet",
        made.programs / "kubelet",
        config=f"{folder}/kubelet.json",
        kubeconfig=config,
        hostname_override=NODE,
        node_ip=network.node,
        root_dir=f"{folder}/kubelet",
        cert_dir=f"{folder}/kubelet",
    )
    made.start(
        "kube-proxy",
        made.programs / "kube-proxy",
        kubeconfig=config,
        hostname_override=NODE,
        cluster_cidr=network.pods,
        # These settings are the whole host's.
        conntrack_max_per_core="0",
        conntrack_tcp_timeout_established="0",
        conntrack_tcp_timeout_close_wait="0",
    )
    plugin = f"kubernetes cluster.local {{\nkubeconfig {config}\n}}"
    (folder / "Corefile").write_text(f".:53 {{\n{plugin}\n}}\n")
    made.start("coredns", made.programs / "coredns", "-conf", f"{folder}/Corefile")
    ready = ["wait", "--for=condition=Ready", f"node/{NODE}", "--timeout=5s"]
    wait_until(lambda: made.kubectl(*ready, check=False).returncode == 0, "the node is ready")
    asked = [*made.on_its_network, "curl", "--silent", "--fail", f"http://{REGISTRY}/v2/"]
    wait_until(lambda: run(asked, check=False).returncode == 0, "the registry answers")


def _certificates(folder: Path, network: Network) -> None:
    """Write ca.pem, and api.pem with api.key, which signs the tokens of service accounts, too."""
    key = ["-newkey", "rsa:2048", "-nodes"]
    # Python 3.13 wants an authority's key usage, and the identifier of its key in a certificate.
    authority = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"]
    extensions = [word for each in authority for word in ("-addext", each)]
    ca = ["-keyout", "ca.key", "-out", "ca.pem"]
    run(["openssl", "req", "-x509", *key, "-subj=/CN=authority", *ca, *extensions], cwd=folder)
    api = ["-keyout", "api.key", "-out", "api.csr"]
    run(["openssl", "req", *key, "-subj=/CN=api", *api], cwd=folder)
    names = f"IP:{network.node},IP:{network.address(1, 1)},DNS:kubernetes.default.svc"
    (folder / "api.ext").write_text(f"subjectAltName={names}\nauthorityKeyIdentifier=keyid\n")
    signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-extfile", "api.ext", "-out", "api.pem"]
    run(["openssl", "x509", "-req", "-in", "api.csr", *signed], cwd=folder)


def _write_pause(path: Path, tools: Path) -> None:
    """Write the image of a pod's first container, which only sleeps, as Docker saves images."""

    def add(archive: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(content), mode
        archive.addfile(entry, io.BytesIO(content))

    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as archive:
        add(archive, "busybox", (tools / "bin" / "busybox").read_bytes(), 0o755)
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Entrypoint": ["/busybox", "sleep", "2147483647"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{_sha256(layer.getvalue())}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [PAUSE], "Layers": ["layer.tar"]}]
    with tarfile.open(path, "w") as archive:
        add(archive, "layer.tar", layer.getvalue())
        add(archive, "config.json", json.dumps(config).encode())
        add(archive, "manifest.json", json.dumps(manifest).encode())


def _cgroups(folder: Path) -> list[Path]:
    """Return the cgroup that all pods are in: one, or with version 1 one for each controller."""
    if (CGROUPS / "cgroup.controllers").exists():
        return [CGROUPS / folder.name]
    return [each / folder.name for each in CGROUPS.iterdir() if not each.is_symlink()]


def _remove(cgroup: Path) -> None:
    """Remove a cgroup with those below it, when the kernel has buried their processes."""

    def removed() -> bool:
        with suppress(OSError):
            for path, _, _ in os.walk(cgroup, topdown=False):
                Path(path).rmdir()
        return not cgroup.exists()

    wait_until(removed, f"{cgroup} is removed")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write(path: Path, **content: Any) -> None:
    path.write_text(json.dumps(content))
