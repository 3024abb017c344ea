"""Check this host and explain how to fix each problem."""

import argparse
import getpass
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from dagnix import project
from dagnix.doctor import account, firewall, fix, nix, podman, rootless, services, surroundings
from dagnix.doctor.finding import Finding

SIGNS = {"ok": ("✓", "32"), "note": ("•", "33"), "problem": ("✗", "31")}


def line(finding: Finding, *, colour: bool) -> str:
    """Return what is shown of a finding: a line, and a second one with its cure."""
    sign, code = SIGNS[finding.state]
    if colour:
        sign = f"\033[{code}m{sign}\033[0m"
    shown = f"{sign} {finding.subject}: {finding.says}"
    return f"{shown}\n    cure: {finding.cure}" if finding.cure else shown


def examine(here: project.Project) -> Iterator[Finding]:
    """Look at everything, in the order in which it is needed."""
    user = getpass.getuser()
    groups = Path("/etc/group").read_text().splitlines()
    build_group = any(group.startswith("nixbld:") for group in groups)
    yield from nix.findings(user, build_group=build_group)
    yield from podman.findings(here)
    yield from rootless.findings(user)
    yield from firewall.findings()
    yield from account.findings(user)
    yield from surroundings.findings(here.port)
    yield from services.findings(here)


def show_written(paths: list[Path]) -> None:
    """Say what --fix wrote, in full."""
    for path in paths:
        print(f"\nWrote {path}:")
        print("\n".join(f"    {text}" for text in path.read_text().splitlines()))


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    parser.add_argument(
        "--fix",
        action="store_true",
        help="write what podman and nix need into your own configuration, and show the files",
    )


def run(given: argparse.Namespace) -> int:
    """Run the command; the exit code is 1 if one of the findings is a problem."""
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    here = project.current()
    found = []
    for finding in examine(here):
        print(line(finding, colour=colour), flush=True)
        found.append(finding)
    if given.fix:
        asked = {finding.subject for finding in found if finding.state == "note"}
        show_written(fix.podman() + fix.nix(asked))
    problems = sum(finding.state == "problem" for finding in found)
    print(f"\n{problems or 'No'} problem{'s' if problems != 1 else ''}.")
    return int(problems > 0)
