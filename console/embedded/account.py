"""Which operating-system account runs the services: PostgreSQL refuses to run as root."""

import os
import pwd
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from console.embedded.errors import EmbeddedError

CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """An unprivileged account that root lends to the services."""

    name: str
    uid: int
    gid: int


def service_account(environ: Mapping[str, str]) -> Account | None:
    """
    Choose the account for the services; None means the caller's own, which needs no change of user.

    Raises EmbeddedError when root finds no account to lend, or a privileged one was asked for.
    """
    if os.geteuid() != 0:
        return None
    asked = environ.get("EMBEDDED_USER", "").strip()
    for name in (asked,) if asked else CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid == 0:
            raise EmbeddedError(f"PostgreSQL does not run as root: EMBEDDED_USER={name} has user id 0.")
        return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
    wanted = f"account {asked}" if asked else "account postgres or nobody"
    raise EmbeddedError(
        f"PostgreSQL does not run as root and there is no {wanted} to run it as. "
        "Create one (useradd --system postgres), name another in EMBEDDED_USER, or set DATABASE_URL."
    )


def give(path: Path, account: Account | None) -> None:
    """Make `path` the account's own."""
    if account is not None:
        os.chown(path, account.uid, account.gid)


def blocked_by(path: Path, account: Account | None) -> Path | None:
    """Name the first folder on the way to `path` that the account may not pass, if there is one."""
    if account is None:
        return None
    # Supplementary groups are dropped when the services start, so only these three bits count.
    real = path.resolve()
    for folder in reversed(real.parents):
        if not _may(folder.stat(), account, stat.S_IXOTH):
            return folder
    if real.exists() and not _may(real.stat(), account, stat.S_IROTH | stat.S_IXOTH):
        return real
    return None


def _may(found: os.stat_result, account: Account, bits: int) -> bool:
    if found.st_uid == account.uid:
        bits <<= 6
    elif found.st_gid == account.gid:
        bits <<= 3
    return found.st_mode & bits == bits
