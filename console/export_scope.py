"""What an operator's export may read."""

from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Any

from foundation.models import Operator


def scope_of(operator: Operator, now: datetime) -> AbstractContextManager[Any]:
    """The stores of the operator, once lists are limited to them; until then everything."""
    return nullcontext()
