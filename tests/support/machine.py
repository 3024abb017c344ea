"""A virtual machine with Debian and systemd, made of Debian's packages, with a checkout in it.

It has no network but to itself and to this host's loopback. The Nix store is this host's,
read-only, and commands go in through ssh.
"""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from dagnix.locks import mirrors
from dagnix.locks.solve.apt import DEBIAN_KEYRING, OWN_KEYRING
from support import checkout
from support.command import run, typed, wait_until
from support.stack import ROOT, free_port

SUITE = "trixie"
PACKAGES = (
    *("systemd-sysv", "dbus", "dbus-user-session", "libpam-systemd", "udev", "kmod"),
    *("linux-image-amd64", "initramfs-tools", "openssh-server", "login", "passwd", "procps"),
    *("podman", "netavark", "aardvark-dns", "passt", "uidmap", "catatonit", "crun"),
    *("nftables", "iptables", "iproute2", "nix-bin", "nix-setup-systemd", "git", "python3"),
)
DISK_BYTES = 8 << 30
# Emulated processors are slow: no test waits for so long where KVM is.
PATIENCE_SECONDS = 3600
USER = "ann"
# How the machine is run: kvm, or tcg, which emulates its processors and is many times slower.
ACCELERATOR = os.environ.get("DAGNIX_TEST_ACCELERATOR", "kvm")
QEMU = "qemu-system-x86_64"
# A boot sector that enters protected mode, computes 1 with an instruction of BMI2's (shlx), which
# Debian's kernel uses and KVM's own emulation lacks, and writes it to QEMU's debug exit: that ends
# with 2 * 1 + 1.
SECTOR = bytes.fromhex(
    "fa31c08ed8660f0116487c0f20c00c010f22c066ea1b7c0000080066b810008ed8b80100000031c9c4e271f7c0e6f4f4"
    "0000000000000000ffff0000009acf00ffff00000092cf001700307c0000"
).ljust(510, b"\0")
SIGNATURE = b"\x55\xaa"
SECTOR_RAN = 3
SECTOR_SECONDS = 20


def why_not(folder: Path) -> str:
    """Return why no virtual machine runs here, "" if one does; `folder` is for a file."""
    if os.geteuid() != 0:
        return "only root may make the machine's disk"
    if missing := [each for each in (QEMU, "mmdebstrap", "ssh") if not shutil.which(each)]:
        return f"there is no {' and no '.join(missing)}"
    if ACCELERATOR == "kvm" and not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "there is no /dev/kvm that this user may use"
    sector = folder / "sector"
    sector.write_bytes(SECTOR + SIGNATURE)
    words = ["timeout", str(SECTOR_SECONDS), QEMU, "-accel", ACCELERATOR, "-cpu", "max"]
    words += ["-nodefaults", "-display", "none", "-no-reboot"]
    words += ["-drive", f"file={sector},format=raw", "-device", "isa-debug-exit,iobase=0xf4"]
    done = run(words, check=False)
    if done.returncode == SECTOR_RAN:
        return ""
    said = next((line for line in done.stderr.splitlines() if "error" in line.lower()), "")
    return f"/dev/kvm runs no machine's kernel here: {said or 'it does not start what it boots'}"


@dataclass
class Machine:
    """A virtual machine; `port` is where this host reaches its ssh."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def make(self) -> None:
        """Build its disk, with a checkout and what is built of it for root and for a user."""
        tree = self.folder / "checkout"
        checkout.write(tree)
        # What tests wait for.
        (tree / ".env").write_text("DAGNIX_PIPES_GRACE=20s\nDAGNIX_LOOK_SECONDS=5\n")
        run([tree / "dagnix", "build"])
        roots = [each.resolve() for each in (tree / ".dagnix" / "roots").iterdir()]
        closure = run(["nix-store", "--query", "--requisites", *roots]).stdout.split()
        registration = run(["nix-store", "--dump-db", *closure]).stdout
        (self.folder / "registration").write_text(registration)
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / "key"])
        found = mirrors.find(self.folder)
        keyring = os.environ.get(OWN_KEYRING) or DEBIAN_KEYRING
        sources = (
            (found.debian, SUITE),
            (found.debian, f"{SUITE}-updates"),
            (found.security, f"{SUITE}-security"),
        )
        words = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(PACKAGES)}"]
        before, after = (ROOT / f"tests/support/machine_{each}.sh" for each in ("before", "after"))
        words += [f'--essential-hook=sh {before} "$1"']
        words += [f'--customize-hook=sh {after} "$1" {self.folder} {USER} {DISK_BYTES >> 10}']
        words += [
            f"--dpkgopt=path-exclude=/usr/share/{each}/*" for each in ("doc", "man", "locale")
        ]
        words += ["--format=null", SUITE, "/dev/null"]
        words += [f"deb [signed-by={keyring}] {uri} {of} main" for uri, of in sources]
        run(words, env={"TMPDIR": str(self.folder)})

    def start(self) -> None:
        """Switch it on, and wait until it can be logged in to."""
        share = "path=/nix/store,mount_tag=store,security_model=none,readonly=on,multidevs=remap"
        threads = ",thread=multi" if ACCELERATOR == "tcg" else ""
        words = [QEMU, "-accel", f"{ACCELERATOR}{threads}", "-m", "4G", "-smp", "2"]
        words += [
            "-nodefaults",
            "-cpu",
            "max",
            "-display",
            "none",
            "-serial",
            f"file:{self.folder / 'console'}",
        ]
        words += ["-kernel", str(self.folder / "kernel"), "-initrd", str(self.folder / "initrd")]
        words += ["-append", "root=/dev/vda rw console=ttyS0 quiet panic=-1"]
        words += ["-drive", f"file={self.folder / 'disk'},format=raw,if=virtio,cache=unsafe"]
        words += ["-virtfs", f"local,{share}", "-device", "virtio-rng-pci"]
        forward = f"hostfwd=tcp:127.0.0.1:{self.port}-:22"
        words += ["-netdev", f"user,id=net,restrict=on,{forward}"]
        words += ["-device", "virtio-net-pci,netdev=net,romfile="]
        log = (self.folder / "qemu.log").open("wb")
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.wait()

    def stop(self) -> None:
        """Switch it off, as if its power had gone."""
        if self.process:
            self.process.kill()
            self.process.wait()

    def wait(self) -> None:
        """Wait until it can be logged in to."""
        wait_until(lambda: self.answers("true"), "the machine answers", PATIENCE_SECONDS)

    def answers(self, command: str, user: str = "root") -> bool:
        """Tell whether a command ends well there."""
        assert self.process is None or self.process.poll() is None, (
            self.folder / "qemu.log"
        ).read_text()
        return self.run(command, user, check=False).returncode == 0

    def ssh(self, user: str) -> list[str]:
        """Return the command that logs in, and takes a command or options."""
        options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR")
        more = ("ConnectTimeout=60", "ServerAliveInterval=60", "BatchMode=yes")
        words = ["ssh", "-i", str(self.folder / "key"), "-p", str(self.port)]
        for option in (*options, *more):
            words += ["-o", option]
        return [*words, f"{user}@127.0.0.1"]

    def run(
        self, command: str, user: str = "root", *, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell command there, in the user's checkout, in a login of its own."""
        typed.add(command)
        script = f"cd ~/dagnix || exit; {command}"
        return run([*self.ssh(user), script], check=check, seconds=PATIENCE_SECONDS)

    def reboot(self) -> None:
        """Have it shut down in order and start again, and wait until it can be logged in to."""
        before = self.run("cat /proc/sys/kernel/random/boot_id").stdout
        self.run("systemctl reboot", check=False)
        other = f"test $(cat /proc/sys/kernel/random/boot_id) != {before.strip()}"
        wait_until(lambda: self.answers(other), "it has started again", PATIENCE_SECONDS)

    @contextmanager
    def forwarded(self, port: int, user: str = "root") -> Iterator[int]:
        """Lend a port of this host's loopback that leads to one of the machine's."""
        here = free_port()
        words = self.ssh(user)
        words[1:1] = ["-N", "-o", "ExitOnForwardFailure=yes", "-L", f"{here}:127.0.0.1:{port}"]
        tunnel = subprocess.Popen(words, stdin=subprocess.DEVNULL)

        def is_there() -> bool:
            assert tunnel.poll() is None, "ssh has ended"
            return _listens(here)

        try:
            wait_until(is_there, "the tunnel is there", PATIENCE_SECONDS)
            yield here
        finally:
            tunnel.terminate()
            tunnel.wait()


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
