"""Files that must never be seen half written or by the wrong person."""

import json
import os
from pathlib import Path
from typing import Any

from console.embedded.account import Account, give

LOG_LIMIT_BYTES = 10 * 1024 * 1024


def write_private(path: Path, text: str, account: Account | None = None) -> None:
    """Replace a file in one step; only its owner (the account, when given) can read it."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    give(fresh, account)
    fresh.replace(path)


def write_json(path: Path, content: object) -> None:
    write_private(path, json.dumps(content, indent=2, sort_keys=True) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty when the file is absent or not a JSON object."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def open_log(path: Path) -> int:
    """A descriptor to append to a log; a log over the limit becomes `NAME.1` first."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LOG_LIMIT_BYTES:
        path.replace(path.with_name(f"{path.name}.1"))
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)


def last_lines(path: Path, count: int = 5) -> str:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-count:])
