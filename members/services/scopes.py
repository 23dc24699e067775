"""Which stores somebody, or some system, works for."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from foundation.models import Operator
from foundation.services import audit
from members.models import Store, StoreScope


@transaction.atomic
def set_stores(*, operator_id: int, store_ids: Collection[int], by: Operator, now: datetime) -> None:
    """Let an operator work for exactly these stores. A repeat changes nothing."""
    wanted = set(Store.objects.filter(pk__in=store_ids).values_list("pk", flat=True))
    known = set(StoreScope.objects.filter(operator_id=operator_id).values_list("store_id", flat=True))
    StoreScope.objects.filter(operator_id=operator_id, store_id__in=known - wanted).delete()
    rows = [StoreScope(operator_id=operator_id, store_id=store_id) for store_id in sorted(wanted - known)]
    StoreScope.objects.bulk_create(rows, ignore_conflicts=True)
    if wanted != known:
        audit.record(
            action="operator.stores_changed", subject=f"foundation.operator:{operator_id}", by=by, now=now,
            added=sorted(wanted - known), removed=sorted(known - wanted),
        )  # fmt: skip
