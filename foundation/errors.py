"""The base of every refusal that a person may read."""

from collections.abc import Mapping
from typing import Any, ClassVar


class DomainError(Exception):
    """
    A rule said no; nothing was changed.

    `code` is stable and upper case; `str()` is a sentence in the reader's language;
    `facts` are JSON values a page may show beside it. `retryable` means that the same
    call may succeed later without anybody changing anything.
    """

    code: ClassVar[str] = "REFUSED"
    retryable: ClassVar[bool] = False

    def __init__(self, message: Any = "", /, **facts: Any) -> None:
        super().__init__(message)
        self.facts: Mapping[str, Any] = facts


class NotAllowed(DomainError):
    """The person lacks the right, or must not decide on their own work."""

    code = "NOT_ALLOWED"


class NameTaken(DomainError):
    """There is one of this name already."""

    code = "NAME_TAKEN"


class HasMoved(DomainError):
    """The row is no longer in the state that the caller saw."""

    code = "HAS_MOVED"
