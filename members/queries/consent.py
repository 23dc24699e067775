"""Who may not be written to."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from members.models import Consent, ConsentEvent, ConsentSource, Suppression, SuppressionKind


def suppressed_at(*, phone_hashes: Sequence[UUID], now: datetime) -> set[UUID]:
    """Those of `phone_hashes` that the suppression list forbids at `now`."""
    entries = Suppression.objects.in_force_at(now).filter(phone_hash__in=list(phone_hashes))
    return set(entries.values_list("phone_hash", flat=True))


def opted_out_between(*, since: datetime, until: datetime) -> int:
    """Phones that opted out from `since` to `until`. What a member file tells happened before and is not counted."""
    events = ConsentEvent.objects.filter(consent=Consent.OPTED_OUT, at__gte=since, at__lte=until)
    return events.exclude(source=ConsentSource.IMPORT).values("phone_hash").distinct().count()


def complained_between(*, since: datetime, until: datetime) -> int:
    """Phones that came on the suppression list by a complaint from `since` to `until`."""
    return Suppression.objects.filter(kind=SuppressionKind.COMPLAINT, since__gte=since, since__lte=until).count()
