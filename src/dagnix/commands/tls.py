"""`./dagnix tls`."""

import ssl
from pathlib import Path
from typing import Annotated

import typer

from dagnix import UserError, console, gate_files, project, stack
from dagnix.health import GATE
from dagnix.podman import podman

# gate/internal/certificate reads both.
CERTIFICATE, KEY = "certificate.pem", "key.pem"

app = typer.Typer(
    no_args_is_help=True,
    help="The certificate of the dashboard: your own with DAGNIX_TLS=files, or with DAGNIX_TLS=own "
    "one of an authority that the gate makes.",
)


@app.command()
def install(
    certificate: Annotated[
        Path, typer.Argument(help="PEM, with those between it and its authority's after it.")
    ],
    key: Annotated[Path, typer.Argument(help="Its private key, in PEM, without a passphrase.")],
) -> None:
    """Give the gate your certificate, the first one or a renewed one; nothing is restarted."""
    here = project.current()
    try:
        # Whether the two belong together.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
        texts = {CERTIFICATE: certificate.read_bytes(), KEY: key.read_bytes()}
    except (OSError, ssl.SSLError, ValueError) as error:
        raise UserError(
            f"{certificate} and {key} are no certificate and its key, both in PEM: {error}."
        ) from error
    for name, text in texts.items():
        gate_files.write(here, name, text)
    how = "" if here.has_tls else " It counts once `DAGNIX_TLS=files ./dagnix up` has run."
    console.out.print(f"The gate has the certificate.{how}", soft_wrap=True)


@app.command()
def authority() -> None:
    """Print the certificate of the authority that the gate has made, for browsers to trust."""
    here = project.current()
    names = {each.service: each.name for each in stack.containers(here) if each.running}
    if "gate" not in names:
        raise UserError(f"{here.name} has no gate that runs: start it with ./dagnix up")
    words = ["exec", names["gate"], GATE, "authority"]
    failure = "The gate has no authority: start it with `DAGNIX_TLS=own ./dagnix up`"
    console.out.print(podman(here, *words, failure=failure).output, markup=False, end="")
