"""Applying data_retention.toml: what is older than its rule says is deleted or emptied, part by part."""

import logging
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q, QuerySet

from foundation.services import audit
from foundation.services.retention_file import Rule, empty_of, load

log = logging.getLogger(__name__)

PART_ROWS = 10_000
SHANGHAI = ZoneInfo("Asia/Shanghai")


def apply_all(*, now: datetime) -> dict[str, int]:
    """
    Apply every rule that has days or months; returns how many rows each has touched, of those that did.

    In small transactions: a repeat goes on where it was cut off, and changes nothing once all is done. The counts are
    written into the audit: that something was deleted on time has to be shown as well.
    """
    kept, _without = load()
    counts = {}
    for label, one in kept.items():
        for rule in one.rules:
            if not rule.by and (count := apply(rule, now=now)):
                counts[" ".join([label, *rule.fields])] = count
    if counts:
        audit.record(action="retention.applied", subject="foundation.retention", by=None, now=now, rows=counts)
        log.info("retention_applied", extra={"rows": counts})
    return counts


def apply_to(label: str, *, now: datetime) -> int:
    """Apply the rules of one model; returns how many rows were touched."""
    return sum(apply(rule, now=now) for rule in load()[0][label].rules if not rule.by)


def apply(rule: Rule, *, now: datetime) -> int:
    """Apply one rule; returns how many rows were touched. They are walked in the order of the primary key."""
    due, emptied = _due(rule, now=now), {name: empty_of(rule.model._meta.get_field(name)) for name in rule.fields}  # type: ignore[arg-type]
    touched, after = 0, None
    while True:
        rest = due if after is None else due.filter(pk__gt=after)
        ids = list(rest.order_by("pk").values_list("pk", flat=True)[:PART_ROWS])
        if not ids:
            return touched
        after = ids[-1]
        with transaction.atomic():
            part = due.filter(pk__in=ids)
            touched += part.update(**emptied) if rule.fields else part.delete()[1].get(rule.model._meta.label, 0)


def _due(rule: Rule, *, now: datetime) -> QuerySet:
    """Rows that a rule touches at `now`: never one whose time is not set."""
    found = rule.model._default_manager.filter(**{f"{rule.of}__lt": limit_of(rule, now=now)})
    found = found.filter(**{f"{name}__in": values for name, values in (rule.where or {}).items()})
    if not rule.fields:
        return found
    is_full = Q()
    for name in rule.fields:
        empty = empty_of(rule.model._meta.get_field(name))  # type: ignore[arg-type]
        is_full |= Q(**{f"{name}__isnull": False}) if empty is None else ~Q(**{name: empty})
    return found.filter(is_full)


def limit_of(rule: Rule, *, now: datetime) -> datetime:
    """What happened before this instant is due. Months are whole ones of Shanghai beside the running one."""
    if rule.days is not None:
        return now - timedelta(days=rule.days)
    assert rule.months is not None
    local = now.astimezone(SHANGHAI)
    month = local.year * 12 + local.month - 1 - rule.months
    first = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return first.replace(year=month // 12, month=month % 12 + 1)
