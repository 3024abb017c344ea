"""Choose who may use the dashboard: users with passwords, or an OpenID Connect provider's.

A viewer changes nothing; an operator can launch and cancel runs, and turn schedules and sensors on
and off; an admin can do everything.
"""

import argparse
import sys
from pathlib import Path

from rich.table import Table

from dagnix import UserError, console, project
from dagnix.access import accounts, gate_files
from dagnix.commands import command, group, options

EFFECT = "It counts from the next request on."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    commands = group(parser)
    made = command(commands, "add", add)
    made.add_argument("user", help="the user's name")
    made.add_argument("--role", default="viewer", help=f"one of {', '.join(accounts.ROLES)}")
    made = command(commands, "password", password)
    made.add_argument("user", help="the user's name")
    made = command(commands, "role", role)
    made.add_argument("user", help="the user's name")
    made.add_argument("role", help="the role")
    made = command(commands, "remove", remove)
    made.add_argument("user", help="the user's name")
    command(commands, "list", list_users)
    command(commands, "metrics", metrics)
    made = command(commands, "oidc", oidc)
    made.add_argument("issuer", help="the provider's URL, below which /.well-known is")
    made.add_argument("--client-id", required=True, help="as which it knows the dashboard")
    made.add_argument("--url", default="", help="the dashboard's URL, as browsers have it")
    made.add_argument("--claim", default="groups", help="the claim that roles are given by")
    made.add_argument(
        "--role",
        dest="roles",
        action="append",
        help="VALUE=ROLE: the role of those whose claim has the value",
    )
    made.add_argument("--default", default="", help="the role of all others; without it, none")
    made.add_argument(
        "--ca", type=Path, help="file with the authority of the provider's certificate"
    )
    made = command(commands, "off", off)
    options.yes(made)


def add(given: argparse.Namespace) -> None:
    """Add a user, with the password that is typed without being shown, or stands in standard input.

    From the first one on nobody uses the dashboard without a login.
    """
    here = project.current()
    accounts.require_name(given.user)
    accounts.require_role(given.role)
    accounts.add(here, given.user, given.role, asked())
    console.out.print(f"{given.user} can log in, as {given.role}. {EFFECT}")
    if given.role != "admin" and not any(
        each["role"] == "admin" for each in accounts.users(here).values()
    ):
        console.warned("Nobody is admin yet: `./dagnix auth add USER --role admin`")


def password(given: argparse.Namespace) -> None:
    """Set another password. Who is logged in as this user has to log in again."""
    here = project.current()
    accounts.require_user(accounts.users(here), given.user)
    accounts.change(here, given.user, password=accounts.hashed(asked()))
    console.out.print(f"{given.user} has another password. {EFFECT}")


def role(given: argparse.Namespace) -> None:
    """Give a user another role."""
    accounts.require_role(given.role)
    accounts.change(project.current(), given.user, role=given.role)
    console.out.print(f"{given.user} is {given.role}. {EFFECT}")


def remove(given: argparse.Namespace) -> None:
    """Remove a user, who is logged out."""
    accounts.remove(project.current(), given.user)
    console.out.print(f"{given.user} can log in no more. {EFFECT}")


def list_users(_: argparse.Namespace) -> None:
    """List the users with their roles, and the provider."""
    here = project.current()
    known, provider = accounts.users(here), accounts.provider(here)
    if not known and not provider:
        console.out.print("Nobody has to log in: `./dagnix auth add USER --role admin` begins.")
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("USER")
    table.add_column("ROLE")
    for name, each in sorted(known.items()):
        table.add_row(name, each["role"])
    if known:
        console.out.print(table)
    if provider:
        console.out.print(f"Users of {provider['issuer']}, by {provider['claim']}:", markup=False)
        for value, its_role in provider["roles"].items():
            console.out.print(f"  {value}: {its_role}", markup=False)
        console.out.print(f"  others: {provider['default'] or 'nobody'}", markup=False)


def metrics(_: argparse.Namespace) -> None:
    """Print a new token with which Prometheus can read /metrics, and nothing else.

    The token before it is no longer valid. Where nobody has to log in, no token is needed.
    """
    here = project.current()
    console.out.print(accounts.new_metrics_token(here), markup=False)
    if not gate_files.has_login(here):
        console.warned("Nobody has to log in, so /metrics needs no token yet")


def oidc(given: argparse.Namespace) -> None:
    """Have people log in at an OpenID Connect provider; the client's secret is asked for.

    Local users can still log in. At the provider, register URL/gate/oidc/callback.
    """
    here = project.current()
    roles = dict(_pair(each) for each in given.roles or ())
    if given.default:
        accounts.require_role(given.default)
    if not roles and not given.default:
        raise UserError("Nobody would get a role: give --role VALUE=ROLE, or --default ROLE.")
    url = (given.url or here.url).rstrip("/")
    try:
        text = given.ca.read_text() if given.ca else ""
    except OSError as error:
        raise UserError(f"{given.ca} cannot be read: {error}.") from error
    secret = _typed("Client secret")
    issuer = given.issuer.rstrip("/")
    chosen = accounts.Provider(
        issuer, given.client_id, secret, url, given.claim, roles, given.default, text
    )
    accounts.set_provider(here, chosen)
    console.out.print(
        f"People log in at {issuer}, which has to know {url}/gate/oidc/callback. {EFFECT}",
        soft_wrap=True,
    )


def off(given: argparse.Namespace) -> None:
    """Have nobody log in: whoever reaches the dashboard may do everything. Users are removed."""
    here = project.current()
    if not here.bind.is_loopback:
        raise UserError(
            f"The dashboard is at {here.bind}, and would be open to whoever reaches that; "
            "set DAGNIX_BIND=127.0.0.1 and run ./dagnix up first."
        )
    if not given.yes and sys.stdin.isatty():
        console.confirm("Remove all users?")
    accounts.off(here)
    console.out.print(f"Nobody has to log in any more. {EFFECT}")


def _pair(text: str) -> tuple[str, str]:
    value, equals, its_role = text.rpartition("=")
    if not equals or not value:
        raise UserError(f"--role takes VALUE=ROLE, and {text!r} is none.")
    accounts.require_role(its_role)
    return value, its_role


def asked() -> str:
    """Return a new password. Raises UserError if it is not a good one."""
    typed = _typed("Password", twice=True)
    accounts.require_password(typed)
    return typed


def _typed(what: str, *, twice: bool = False) -> str:
    if sys.stdin.isatty():
        return console.hidden(what, twice=twice)
    text = sys.stdin.buffer.read(accounts.MAX_PASSWORD * 4 + 2)
    try:
        return text.decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise UserError(f"{what}: standard input is no text in UTF-8.") from error
