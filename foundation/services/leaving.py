"""An operator stops working, here and now: deactivated, or no longer of a store."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from foundation.models import Operator
from foundation.services import audit, sessions


@transaction.atomic
def stop_work(*, operator_id: int, store_id: int | None, why: str, by: Operator, now: datetime) -> None:
    """
    End what an operator has open, everywhere or in one store, and log them out. A repeat changes nothing more.

    Rooms above are told by LEAVE_HANDLERS within this transaction: news by the outbox would be seconds late.
    """
    for path in settings.LEAVE_HANDLERS:
        import_string(path)(operator_id=operator_id, store_id=store_id, by=by, now=now)
    ended = sessions.end_all(operator_id=operator_id)
    audit.record(
        action="operator.stopped", subject=f"foundation.operator:{operator_id}", by=by, now=now, why=why,
        store=store_id, sessions=ended,
    )  # fmt: skip
