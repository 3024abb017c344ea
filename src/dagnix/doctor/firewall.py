"""Whether this host's firewall lets containers ask podman for names.

Of a rootful podman they ask at their network's bridge, which is the host. Podman makes no rule for
that in internal networks (podman issue 29175), and netavark before 1.8 in none. Rootless networks
are in a namespace of their own, which has no such firewall.
"""

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from dagnix.doctor.finding import Finding, note, ok
from dagnix.host.probe import find_program
from dagnix.process import run

SUBJECT = "firewall"
# firewalld, ufw and plain tables; the bridges' names begin so.
CURE = (
    'let DNS in from podman\'s bridges: nft insert rule inet filter input iifname "podman*" '
    "udp dport 53 accept; with firewalld: firewall-cmd --permanent --zone=trusted "
    "--add-interface=BRIDGE; with ufw: ufw allow in on BRIDGE to any port 53"
)


def judge(by: str) -> Finding:
    """Judge a firewall that drops what no rule lets in; `by` says what does, "" is nothing."""
    if not by:
        return ok(SUBJECT, "lets containers ask podman for names")
    return note(
        SUBJECT,
        f"{by} drops what no rule lets in: containers may get no names, in internal networks of "
        "podman's always (podman issue 29175)",
        CURE,
    )


def closed(chains: Mapping[str, Any], policy: str, firewalld: str) -> str:
    """Return what drops incoming packets by default, "" if nothing does.

    `chains` is what `nft --json list chains` shows, `policy` what `iptables -S INPUT` and
    `firewalld` what `firewall-cmd --state` print.
    """
    if firewalld.strip() == "running":
        return "firewalld"
    for each in chains.get("nftables", ()):
        chain = each.get("chain", {})
        if chain.get("hook") == "input" and chain.get("policy") == "drop":
            return f"the chain {chain['name']} of nftables' table {chain['table']}"
    return "the chain INPUT of iptables" if policy.startswith("-P INPUT DROP") else ""


def findings() -> Iterator[Finding]:
    """Look at this host's firewall, if podman's networks are behind it."""
    if os.geteuid() != 0:
        return
    chains = _said("nft", "--json", "list", "chains")
    policy = _said("iptables", "-S", "INPUT")
    state = _said("firewall-cmd", "--state")
    yield judge(closed(json.loads(chains or "{}"), policy, state))


def _said(program: str, *words: str) -> str:
    path = find_program(program)
    if not path:
        return ""
    result = run([path, *words], f"{program} does not answer", check=False)
    return "" if result.returncode else result.output
