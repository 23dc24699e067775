"""The secrets of one clone. They are made once, with the database they protect, and never again."""

import base64
import json
import secrets
from collections.abc import Mapping
from pathlib import Path

from console.embedded.errors import EmbeddedError
from console.embedded.files import write_json

DATABASE_PASSWORD = "DATABASE_PASSWORD"  # noqa: S105 - the name of a key, not one
EXPORTED = ("SECRET_KEY", "PHONE_KEYS", "PHONE_INDEX_KEY")
NAMES = (*EXPORTED, DATABASE_PASSWORD)


def fresh_keys() -> dict[str, str]:
    """Random values in the shape the settings expect."""
    return {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "PHONE_KEYS": f"k1:{_random_32_bytes()}",
        "PHONE_INDEX_KEY": _random_32_bytes(),
        DATABASE_PASSWORD: secrets.token_urlsafe(24),
    }


def create_keys(path: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """
    Write new keys for a database that does not exist yet; keys that are already there are kept.

    What the environment gives is recorded instead of a random value: it is what rows will be sealed with.
    """
    if path.exists():
        return read_keys(path)
    given = {name: environ[name] for name in EXPORTED if environ.get(name)}
    keys = fresh_keys() | given
    write_json(path, keys)
    return keys


def read_keys(path: Path) -> dict[str, str]:
    """Raises EmbeddedError when the file is missing, unreadable or incomplete: nothing can replace it."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        keys = {name: content[name] for name in NAMES}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EmbeddedError(_lost(path, error)) from error
    if not all(isinstance(value, str) and value for value in keys.values()):
        raise EmbeddedError(_lost(path, ValueError("a key is blank")))
    return keys


def _lost(path: Path, error: Exception) -> str:
    reason = "is missing" if isinstance(error, FileNotFoundError) else "cannot be read"
    return (
        f"{path} {reason}, but there is a database beside it whose phone numbers are sealed with its keys. "
        "New keys would make them unreadable, so nothing was changed. "
        "Put the backup of secrets.json back and start again."
    )


def _random_32_bytes() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode("ascii")
