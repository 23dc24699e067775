"""
Erasing a person for good: a phone with all its cards.

What names the person goes, here at once and in the other rooms by a job; what is counted, paid or proven stays, under
numbers and keyed hashes (docs/howto/privacy.md). No room writes to the phone any more from this commit on, and the
job is done only when nothing is on its way to it.
"""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import CharField, Q, Value
from django.db.models.functions import Cast, Concat
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from foundation.db import execute
from foundation.errors import DomainError
from foundation.models import Job, JobState, Operator
from foundation.services import audit, jobs
from members.models import (
    CategoryPurchase,
    ConsentSource,
    EraseReason,
    Erasure,
    ImportChange,
    ImportFile,
    Lifecycle,
    Member,
    Order,
    OrderLine,
    Suppression,
    SuppressionKind,
)
from members.services import consent
from members.services.cards import card_hash
from members.services.imports.chunk import ONE_WRITER
from members.services.imports.samples import without
from members.services.suppression import suppress

KIND = "members.erase"
WAIT_SECONDS = 1.0
PATIENCE_SECONDS = 300  # a hand-off lasts half a minute; whoever holds one for longer is gone or stuck
# Whoever copies what a member row holds to another room holds this; whoever erases waits for all of them.
COPYING = "SELECT pg_advisory_xact_lock_shared(hashtext('members.erase'))"
ERASING = "SELECT pg_advisory_xact_lock(hashtext('members.erase'))"
BLANK: dict[str, Any] = {
    "card_no": Concat(Value("erased-"), Cast("pk", CharField())), "name": "", "phone_hash": None, "phone_cipher": None,
    "phone_tail": "", "carrier": "", "gender": "", "birthday": None, "home_store": None, "city": "", "level": "",
    "joined_at": None, "income_band": "", "household_size": None, "kids": None, "first_purchase_at": None,
    "last_purchase_at": None,
    "purchase_count": 0, "spend_fen": 0, "rfm_r": 0, "rfm_f": 0, "rfm_m": 0, "lifecycle": Lifecycle.PROSPECT,
}  # fmt: skip


class StillLeaving(DomainError):
    """Messages to the person are in a worker's hands and do not come back."""

    code = "STILL_LEAVING"
    retryable = True


@dataclass(frozen=True, slots=True)
class Erased:
    """Whom a room has to forget."""

    phone_hash: UUID | None
    member_ids: tuple[int, ...]


Handler = Callable[..., int]  # (person=, now=) → how much is still on its way


def hold_off_erasing() -> None:
    """
    Let nobody be erased until this transaction ends; call it before reading what will be copied from a member.

    Rows that are copied are then either seen by whoever erases, or made from a member who is blank already.
    """
    execute(COPYING)


def is_erased(*, phone_hash: UUID) -> bool:
    """Whether this phone asked to be forgotten and has not come anew."""
    return Suppression.objects.filter(phone_hash=phone_hash, kind=SuppressionKind.ERASED).exists()


@transaction.atomic
def erase_person(
    *, phone_hash: UUID | None, member_ids: Collection[int], reason: str, source: str, by: Operator, now: datetime,
    case: str = "",
) -> Job:  # fmt: skip
    """
    Forget a phone and its cards; returns the job that erases what other rooms hold.

    `member_ids` are cards besides those of the phone. A repeat takes up the job where it stopped. `reason` is an
    EraseReason and `case` a reference of the chain's own: the audit keeps both for good, and no words.
    """
    execute(ONE_WRITER)  # first: behind a long import nobody who copies has to wait
    execute(ERASING)
    wanted = Q(pk__in=member_ids) if phone_hash is None else Q(pk__in=member_ids) | Q(phone_hash=phone_hash)
    members = list(Member.objects.present().filter(wanted).order_by("pk"))
    known = set(Erasure.objects.filter(Q(phone_hash=phone_hash, phone_hash__isnull=False) | Q(pk__in=member_ids))
                .values_list("pk", flat=True))  # fmt: skip
    ids = sorted({one.pk for one in members} | known)
    phones = {phone_hash} | {one.phone_hash for one in members}
    phone = next((one for one in phones if one is not None), None)
    job = _job(phone, ids, is_new=bool(members), by=by, now=now)
    if phone is not None:
        _silence(phone, source, job, by=by, now=now)
    _forget(members, job, now=now)
    audit.record(
        action="member.erased", subject=f"foundation.job:{job.pk}", by=by, now=now, member_ids=ids,
        reason=str(EraseReason(reason)), case=case,
    )  # fmt: skip
    return job


def _job(phone: UUID | None, ids: Sequence[int], *, is_new: bool, by: Operator, now: datetime) -> Job:
    params = {"phone_hash": str(phone) if phone else None, "member_ids": list(ids)}
    last = Job.objects.filter(kind=KIND, params=params).order_by("-pk").first()
    if last is not None and not is_new and last.state != JobState.DONE:
        jobs.resume(job_id=last.pk)
        return last
    return jobs.enqueue(kind=KIND, title=_("Erasing a person"), params=params, by=by, now=now)


def _silence(phone: UUID, source: str, job: Job, *, by: Operator, now: datetime) -> None:
    """Nothing of any tier leaves for this phone any more, and no file gives it a consent."""
    consent.opt_out(
        phone_hash=phone, source=ConsentSource(source), proof=f"job:{job.pk}", reason="ERASED", now=now, by=by
    )  # fmt: skip
    suppress(phone_hash=phone, kind=SuppressionKind.ERASED, now=now)
    Suppression.objects.filter(phone_hash=phone).update(phone_tail="", note="")


def _forget(members: Sequence[Member], job: Job, *, now: datetime) -> None:
    ids = [one.pk for one in members]
    Erasure.objects.bulk_create(
        Erasure(member=one, card_hash=card_hash(one.card_no), phone_hash=one.phone_hash, job=job) for one in members
    )
    for imported in ImportFile.objects.select_for_update().filter(is_cleared=False).exclude(samples={}):
        kept = without(imported.samples, members)
        ImportFile.objects.filter(pk=imported.pk).update(samples=kept)
    ImportChange.objects.filter(member_id__in=ids).delete()
    CategoryPurchase.objects.filter(member_id__in=ids).delete()
    OrderLine.objects.filter(order__member_id__in=ids).delete()
    Order.objects.filter(member_id__in=ids).delete()
    Member.objects.filter(pk__in=ids).update(**BLANK, erased_at=now)


def run_job(*, job: Job, now: datetime) -> dict[str, Any]:
    """
    The runner of kind members.erase: every room forgets, again and again until nothing is on its way.

    Raises StillLeaving when that never happens; the job can be taken up again.
    """
    phone, ids = job.params["phone_hash"], job.params["member_ids"]
    person = Erased(UUID(phone) if phone else None, tuple(ids))
    handlers: list[Handler] = [import_string(path) for path in settings.ERASE_HANDLERS]
    until = time.monotonic() + PATIENCE_SECONDS
    while left := sum(handler(person=person, now=now) for handler in handlers):
        jobs.report_progress(job=job, done_count=0, total_count=left, report={"left": left})
        if time.monotonic() > until:
            raise StillLeaving(_("Messages to this person are still being sent. Try it again in a minute."))
        time.sleep(WAIT_SECONDS)
    return {"cards": len(ids)}
