"""Install the dashboard's certificate, or show the gate's own authority.

With DAGNIX_TLS=files the certificate is yours. With DAGNIX_TLS=own it is signed by an authority
that the gate creates.
"""

import argparse
import ssl
from pathlib import Path

from dagnix import UserError, console, project
from dagnix.access import gate_files
from dagnix.commands import command, group
from dagnix.host.podman import podman
from dagnix.stack import containers
from dagnix.stack.health import GATE

# src/gate/internal/certificate reads both.
CERTIFICATE, KEY = "certificate.pem", "key.pem"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    commands = group(parser)
    made = command(commands, "install", install)
    made.add_argument(
        "certificate", type=Path, help="PEM, with those between it and its authority's after it"
    )
    made.add_argument("key", type=Path, help="its private key, in PEM, without a passphrase")
    command(commands, "authority", authority)


def install(given: argparse.Namespace) -> None:
    """Give the gate your certificate, the first one or a renewed one; nothing is restarted."""
    here = project.current()
    try:
        # Whether the two belong together.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            given.certificate, given.key, password=""
        )
        texts = {CERTIFICATE: given.certificate.read_bytes(), KEY: given.key.read_bytes()}
    except (OSError, ssl.SSLError, ValueError) as error:
        raise UserError(
            f"{given.certificate} and {given.key} are no certificate and its key, both in PEM: "
            f"{error}."
        ) from error
    for name, text in texts.items():
        gate_files.write(here, name, text)
    how = "" if here.has_tls else " It counts once `DAGNIX_TLS=files ./dagnix up` has run."
    console.out.print(f"The gate has the certificate.{how}", soft_wrap=True)


def authority(_: argparse.Namespace) -> None:
    """Print the certificate of the authority that the gate has made, for browsers to trust."""
    here = project.current()
    names = {each.service: each.name for each in containers.containers(here) if each.running}
    if "gate" not in names:
        raise UserError(f"{here.name} has no gate that runs: start it with ./dagnix up")
    words = ["exec", names["gate"], GATE, "authority"]
    failure = "The gate has no authority: start it with `DAGNIX_TLS=own ./dagnix up`"
    console.out.print(podman(here, *words, failure=failure).output, markup=False, end="")
