"""`./dagnix auth`."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from dagnix import UserError, accounts, console, project

app = typer.Typer(
    no_args_is_help=True,
    help="Who may use the dashboard: users with passwords, or those of an OpenID Connect provider. "
    "A viewer changes nothing, an operator launches, cancels and toggles, an admin may do all.",
)
User = Annotated[str, typer.Argument(help="The user's name.")]
Role = Annotated[str, typer.Option(help=f"One of {', '.join(accounts.ROLES)}.")]
EFFECT = "It counts within seconds."


@app.command()
def add(user: User, role: Role = "viewer") -> None:
    """Add a user, with the password that is typed without being shown, or stands in standard input.

    From the first one on nobody uses the dashboard without a login.
    """
    here = project.current()
    accounts.require_name(user)
    accounts.require_role(role)
    accounts.add(here, user, role, asked())
    console.out.print(f"{user} can log in, as {role}. {EFFECT}")
    if role != "admin" and not any(
        each["role"] == "admin" for each in accounts.users(here).values()
    ):
        console.warned("Nobody is admin yet: `./dagnix auth add USER --role admin`")


@app.command()
def password(user: User) -> None:
    """Set another password. Who is logged in as this user has to log in again."""
    here = project.current()
    accounts.require_user(accounts.users(here), user)
    accounts.change(here, user, password=accounts.hashed(asked()))
    console.out.print(f"{user} has another password. {EFFECT}")


@app.command()
def role(user: User, role: Annotated[str, typer.Argument(help="The role.")]) -> None:
    """Give a user another role."""
    accounts.require_role(role)
    accounts.change(project.current(), user, role=role)
    console.out.print(f"{user} is {role}. {EFFECT}")


@app.command()
def remove(user: User) -> None:
    """Remove a user, who is logged out."""
    accounts.remove(project.current(), user)
    console.out.print(f"{user} can log in no more. {EFFECT}")


@app.command("list")
def list_users() -> None:
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


@app.command()
def oidc(  # noqa: PLR0913, PLR0917 - an option for each thing that a provider has
    issuer: Annotated[str, typer.Argument(help="The provider's URL, below which /.well-known is.")],
    client_id: Annotated[str, typer.Option(help="As which it knows the dashboard.")],
    url: Annotated[str, typer.Option(help="The dashboard's URL, as browsers have it.")] = "",
    claim: Annotated[str, typer.Option(help="The claim that roles are given by.")] = "groups",
    roles: Annotated[
        list[str] | None,
        typer.Option("--role", help="VALUE=ROLE: the role of those whose claim has the value."),
    ] = None,
    default: Annotated[str, typer.Option(help="The role of all others; without it, none.")] = "",
    ca: Annotated[
        Path | None, typer.Option(help="File with the authority of the provider's certificate.")
    ] = None,
) -> None:
    """Have people log in at an OpenID Connect provider; the client's secret is asked for.

    Local users can still log in. At the provider, register URL/gate/oidc/callback.
    """
    here = project.current()
    given = dict(_pair(each) for each in roles or ())
    if default:
        accounts.require_role(default)
    if not given and not default:
        raise UserError("Nobody would get a role: give --role VALUE=ROLE, or --default ROLE.")
    url = (url or here.url).rstrip("/")
    try:
        text = ca.read_text() if ca else ""
    except OSError as error:
        raise UserError(f"{ca} cannot be read: {error}.") from error
    secret = _typed("Client secret")
    issuer = issuer.rstrip("/")
    chosen = accounts.Provider(issuer, client_id, secret, url, claim, given, default, text)
    accounts.set_provider(here, chosen)
    console.out.print(
        f"People log in at {issuer}, which has to know {url}/gate/oidc/callback. {EFFECT}",
        soft_wrap=True,
    )


@app.command()
def off(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Have nobody log in: whoever reaches the dashboard may do everything. Users are removed."""
    here = project.current()
    if not here.bind.is_loopback:
        raise UserError(
            f"The dashboard is at {here.bind}, and would be open to whoever reaches that; "
            "set DAGNIX_BIND=127.0.0.1 and run ./dagnix up first."
        )
    if not yes and sys.stdin.isatty():
        typer.confirm("Remove all users?", abort=True)
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
        return typer.prompt(what, hide_input=True, confirmation_prompt=twice)
    text = sys.stdin.buffer.read(accounts.MAX_PASSWORD * 4 + 2)
    try:
        return text.decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise UserError(f"{what}: standard input is no text in UTF-8.") from error
