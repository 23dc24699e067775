"""A `.env` file in the project's root: KEY=VALUE lines, for what one machine does differently."""

from collections.abc import MutableMapping
from pathlib import Path

from console.embedded.errors import EmbeddedError


def load(path: Path, environ: MutableMapping[str, str]) -> None:
    """Add what the file says; a variable the environment already has wins. No file, nothing to do."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        raise EmbeddedError(f"{path} cannot be read: {error}") from error
    for name, value in parse(text, path).items():
        environ.setdefault(name, value)


def parse(text: str, path: Path) -> dict[str, str]:
    """Blank lines, `#` comments, `export` and quotes around a value are understood; nothing is expanded."""
    found = {}
    for number, line in enumerate(text.splitlines(), start=1):
        bare = line.strip().removeprefix("export ").strip()
        if not bare or bare.startswith("#"):
            continue
        name, equals, value = bare.partition("=")
        if not equals or not name.strip().isidentifier():
            raise EmbeddedError(f"{path}, line {number} is not KEY=VALUE.")
        found[name.strip()] = _unquoted(value.strip())
    return found


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value.split(" #", 1)[0].rstrip()
