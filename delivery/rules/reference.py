"""Our own number for a message, as providers are given it and may give it back."""

import re
from datetime import date
from typing import Final

_REFERENCE: Final = re.compile(r"(\d{4})(0[1-9]|1[0-2])-(\d{1,18})", re.ASCII)


def reference_of(month: date, message_id: int) -> str:
    """`202611-17`: partition and number; no longer than 25 characters."""
    return f"{month:%Y%m}-{message_id}"


def parse_reference(text: str) -> tuple[date, int] | None:
    """Month and number of a reference; None for anything else."""
    found = _REFERENCE.fullmatch(text)
    if found is None or found[1] == "0000":
        return None
    return date(int(found[1]), int(found[2]), 1), int(found[3])
