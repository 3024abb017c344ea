"""Who may log in at the gate: what `./dagnix auth` writes, and src/gate/internal/account reads."""

import base64
import hashlib
import json
import re
import secrets
from dataclasses import asdict, dataclass
from typing import Any

from dagnix import UserError
from dagnix.access import gate_files
from dagnix.project import Project

ROLES = ("viewer", "operator", "admin")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9@._+-]{0,99}")
MIN_PASSWORD, MAX_PASSWORD = 10, 1000  # characters
KEY, TOKEN_HASH, METRICS_HASH = "session-key", "token-sha256", "metrics-token-sha256"
# Beside the gate's folder: the gate knows no more than its hash.
TOKEN = "command-line-token"  # noqa: S105 - the name of a file
# What OWASP asks of scrypt, with the least memory: 16 MiB.
LOG_N, R, P = 14, 8, 5


@dataclass(frozen=True)
class Provider:
    """An OpenID Connect provider; `roles` is the claim's value → role, `default` that of others."""

    issuer: str
    client_id: str
    client_secret: str
    url: str
    claim: str
    roles: dict[str, str]
    default: str
    ca: str


def users(project: Project) -> dict[str, dict[str, str]]:
    """Return name → role and hash of the password. Raises UserError if the file is broken."""
    return _read(project, gate_files.USERS)


def provider(project: Project) -> dict[str, Any]:
    """Return what is known of the provider; nothing without one. Raises as `users`."""
    return _read(project, gate_files.PROVIDER)


def _read(project: Project, name: str) -> dict[str, Any]:
    try:
        return json.loads(gate_files.read(project, name) or b"{}")
    except ValueError as error:
        path = gate_files.folder(project) / name
        raise UserError(f"{path} is broken: {error}. Remove it, and set it up anew.") from error


def require_role(role: str) -> None:
    """Raise UserError if there is no such role."""
    if role not in ROLES:
        raise UserError(f"There is no role {role}: it is one of {', '.join(ROLES)}.")


def require_name(name: str) -> None:
    """Raise UserError if no user can have this name."""
    if not NAME.fullmatch(name):
        raise UserError(
            "A user's name has letters, digits and any of @ . _ + -, at most 100, and begins with "
            "a letter or digit."
        )


def require_password(password: str) -> None:
    """Raise UserError if this is no good password."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise UserError(f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters.")


def add(project: Project, name: str, role: str, password: str) -> None:
    """Add a user. Raises UserError if there is one of that name."""
    known = users(project)
    if name in known:
        raise UserError(
            f"{name} is there already: `./dagnix auth role {name} {role}` changes the role, "
            f"`./dagnix auth password {name}` the password."
        )
    _write(project, {**known, name: {"role": role, "password": hashed(password)}})


def change(project: Project, name: str, **fields: str) -> None:
    """Change role or hash of the password of a user. Raises UserError if there is none."""
    known = users(project)
    require_user(known, name)
    _write(project, {**known, name: {**known[name], **fields}})


def remove(project: Project, name: str) -> None:
    """Remove a user. Raises UserError if there is none, or nobody could log in afterwards."""
    known = users(project)
    require_user(known, name)
    del known[name]
    if not known and not provider(project):
        raise UserError(
            f"{name} is the last one who can log in: `./dagnix auth off` lets everybody in who "
            "reaches the dashboard."
        )
    if known:
        _write(project, known)
    else:
        gate_files.remove(project, gate_files.USERS)


def require_user(known: dict[str, Any], name: str) -> None:
    """Raise UserError if there is no such user."""
    if name not in known:
        raise UserError(f"There is no user {name}: {', '.join(known) or 'nobody'} can log in.")


def set_provider(project: Project, chosen: Provider) -> None:
    """Have people log in at a provider. Raises UserError if the file cannot be written."""
    _prepare(project)
    text = json.dumps(asdict(chosen), indent=1).encode()
    gate_files.write(project, gate_files.PROVIDER, text)


def off(project: Project) -> None:
    """Have nobody log in. Raises UserError if the files cannot be removed."""
    for name in (gate_files.USERS, gate_files.PROVIDER, TOKEN_HASH, METRICS_HASH, KEY):
        gate_files.remove(project, name)
    (project.secrets / TOKEN).unlink(missing_ok=True)


def token(project: Project) -> str:
    """Return what the command line shows at the gate; "" where nobody has to log in."""
    path = project.secrets / TOKEN
    return path.read_text().strip() if path.exists() else ""


def new_metrics_token(project: Project) -> str:
    """Return a token that lets Prometheus read /metrics; the one before it is no good any more."""
    made = secrets.token_hex(32)
    _write_hash(project, METRICS_HASH, made)
    return made


def _write_hash(project: Project, name: str, token: str) -> None:
    gate_files.write(project, name, hashlib.sha256(token.encode()).hexdigest().encode())


def hashed(password: str) -> str:
    """Return a password's hash, in the words of the PHC string format."""
    salt = secrets.token_bytes(16)
    key = hashlib.scrypt(password.encode(), salt=salt, n=1 << LOG_N, r=R, p=P, dklen=32)
    coded = (base64.b64encode(each).decode().rstrip("=") for each in (salt, key))
    return f"$scrypt$ln={LOG_N},r={R},p={P}${'$'.join(coded)}"


def _write(project: Project, known: dict[str, dict[str, str]]) -> None:
    _prepare(project)
    gate_files.write(project, gate_files.USERS, json.dumps(known, indent=1).encode())


def _prepare(project: Project) -> None:
    """Make the key of the sessions and the command line's token, before anybody has to log in."""
    if not gate_files.read(project, KEY):
        gate_files.write(project, KEY, secrets.token_hex(32).encode())
    if not token(project):
        made = secrets.token_hex(32)
        _write_hash(project, TOKEN_HASH, made)
        path = project.secrets / TOKEN
        path.touch(0o600)
        path.write_text(made)
