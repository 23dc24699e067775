"""Reads settings from the environment and reports everything that is wrong in one list."""

from collections.abc import Collection, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")


class Unset(Enum):
    REQUIRED = "required"


REQUIRED: Final = Unset.REQUIRED
YES: Final = frozenset({"1", "true", "yes", "on"})
NO: Final = frozenset({"0", "false", "no", "off"})
WITHOUT_HOST: Final = frozenset({"memory", "locmem"})


class Env:
    """
    Typed reading of environment variables.

    A variable that is blank counts as not set. `NAME_FILE` names a file that holds the value of `NAME`.
    A missing or malformed variable yields an empty value, so that settings read on until `finish()`.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.seen: set[str] = set()
        self.problems: list[str] = []
        self._environ = environ
        self._unreadable: set[str] = set()

    def text(self, name: str, default: str | Unset = REQUIRED) -> str:
        found = self._read(name)
        if found is not None:
            return found
        return self._absent(name, default, "")

    def integer(
        self,
        name: str,
        default: int | Unset = REQUIRED,
        *,
        minimum: int | None = None,
        maximum: int | None = None,
    ) -> int:
        found = self._read(name)
        if found is None:
            return self._absent(name, default, 0)
        try:
            number = int(found)
        except ValueError:
            return self._malformed(name, "is not a whole number", 0)
        if minimum is not None and number < minimum:
            return self._malformed(name, f"is below {minimum}", 0)
        if maximum is not None and number > maximum:
            return self._malformed(name, f"is above {maximum}", 0)
        return number

    def choice(self, name: str, options: Collection[str], default: str) -> str:
        found = self._read(name)
        if found is None or found.lower() in options:
            return (found or default).lower()
        return self._malformed(name, f"is none of {', '.join(options)}", default)

    def flag(self, name: str, default: bool | Unset = REQUIRED) -> bool:
        found = self._read(name)
        if found is None:
            return self._absent(name, default, False)
        if found.lower() in YES:
            return True
        if found.lower() in NO:
            return False
        return self._malformed(name, "is neither yes nor no (use 1 or 0)", False)

    def url(self, name: str, schemes: Collection[str], default: str | Unset = REQUIRED) -> str:
        found = self._read(name)
        if found is None:
            return self._absent(name, default, "")
        wanted = " or ".join(f"{scheme}://" for scheme in schemes)
        try:
            parts = urlsplit(found)
            # Reading the port is what makes urlsplit notice a malformed one.
            complete = (bool(parts.hostname) and parts.port != 0) or parts.scheme in WITHOUT_HOST
        except ValueError:
            return self._malformed(name, "is not an address", "")
        if parts.scheme not in schemes or not complete:
            return self._malformed(name, f"is not an address that starts with {wanted}", "")
        return found

    def strings(self, name: str, default: Sequence[str] | Unset = REQUIRED) -> list[str]:
        """A comma separated list; blanks around and between commas do not count."""
        found = self._read(name)
        if found is None:
            return list(self._absent(name, default, ()))
        return [piece.strip() for piece in found.split(",") if piece.strip()]

    def finish(self) -> None:
        """Raise ImproperlyConfigured with every problem found so far, if any."""
        if self.problems:
            listed = "".join(f"\n  - {problem}" for problem in self.problems)
            raise ImproperlyConfigured(f"The environment is not complete:{listed}")

    def _read(self, name: str) -> str | None:
        self.seen.add(name)
        value = self._environ.get(name, "").strip()
        file = self._environ.get(f"{name}_FILE", "").strip()
        if value or not file:
            return value or None
        try:
            return Path(file).read_text(encoding="utf-8").strip() or None
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            self._unreadable.add(name)
            self.problems.append(f"{name}_FILE names a file that cannot be read: {file} ({reason})")
            return None

    def _absent(self, name: str, default: T | Unset, empty: T) -> T:
        if not isinstance(default, Unset):
            return default
        if name not in self._unreadable:
            self.problems.append(f"{name} is missing")
        return empty

    def _malformed(self, name: str, reason: str, empty: T) -> T:
        # The value stays unsaid: it may be a secret.
        self.problems.append(f"{name} {reason}")
        return empty
