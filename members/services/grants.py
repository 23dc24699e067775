"""Rights for a time: one person asks for a role, another grants it, it ends by itself. Each step is written down."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from foundation.errors import DomainError, HasMoved, NotAllowed
from foundation.models import Operator
from foundation.services import audit
from foundation.services.leaving import stop_work
from members.models import GrantState, RoleGrant

LETTERS = 200


class GrantRefused(DomainError):
    """What was asked for can't be."""

    code = "GRANT_REFUSED"


@transaction.atomic
def ask(
    *, role: str, store_ids: Collection[int], until: datetime, reason: str, by: Operator, now: datetime
) -> RoleGrant:  # fmt: skip
    """
    Ask for a role until an instant, for oneself. Raises Group.DoesNotExist, GrantRefused.

    Refused without a reason, for a past or far end, and while the same role is waited for.
    """
    if not reason.strip():
        raise GrantRefused(_("Say why."))
    if not now < until <= now + timedelta(days=settings.GRANT_LONGEST_DAYS):
        facts = {"days": settings.GRANT_LONGEST_DAYS}
        raise GrantRefused(_("Choose an end within the next %(days)s days.") % facts)
    group = Group.objects.get(name=role)
    try:
        with transaction.atomic():
            grant = RoleGrant.objects.create(
                operator=by, role=group, reason=reason.strip()[:LETTERS], until=until, asked_at=now
            )
    except IntegrityError as waiting:
        raise GrantRefused(_("You have asked for this role already; somebody has to decide.")) from waiting
    grant.stores.set(store_ids)
    _write_down("grant.asked", grant, by=by, now=now, role=role, until=until.isoformat(), stores=sorted(store_ids))
    return grant


@transaction.atomic
def decide(*, grant_id: int, is_granted: bool, note: str, by: Operator, now: datetime) -> None:
    """
    Grant what somebody else asked for, or refuse it with a note. Raises NotAllowed, GrantRefused, HasMoved.

    Nobody decides on their own wish, whatever their rights; the table refuses it too.
    """
    grant = RoleGrant.objects.select_related("operator").get(pk=grant_id)
    _check_decider(grant, by)
    if not is_granted and not note.strip():
        raise GrantRefused(_("Say why you refuse it."))
    if is_granted and grant.until <= now:
        raise GrantRefused(_("The time that was asked for is over."))
    state = GrantState.GRANTED if is_granted else GrantState.REFUSED
    _move(grant, GrantState.ASKED, state, decided_by=by, decided_at=now, note=note.strip()[:LETTERS])
    _write_down("grant.granted" if is_granted else "grant.refused", grant, by=by, now=now)


@transaction.atomic
def withdraw(*, grant_id: int, by: Operator, now: datetime) -> None:
    """Take back one's own wish before it is decided. Raises NotAllowed, HasMoved."""
    grant = RoleGrant.objects.get(pk=grant_id)
    if grant.operator_id != by.pk:
        raise NotAllowed(_("Only who asked can take it back."))
    _move(grant, GrantState.ASKED, GrantState.WITHDRAWN)
    _write_down("grant.withdrawn", grant, by=by, now=now)


@transaction.atomic
def end(*, grant_id: int, by: Operator, now: datetime) -> None:
    """
    End a right before its time, one's own too. Raises NotAllowed, HasMoved.

    It gives nothing from the commit on; in its stores the operator stops work: shift handed over, logged out.
    """
    grant = RoleGrant.objects.select_related("operator").get(pk=grant_id)
    if grant.operator_id != by.pk:
        _check_decider(grant, by)
    if grant.until <= now:
        raise HasMoved(_("This right has run out already."))
    _move(grant, GrantState.GRANTED, GrantState.ENDED)
    _write_down("grant.ended", grant, by=by, now=now)
    for store_id in grant.stores.values_list("pk", flat=True):
        stop_work(operator_id=grant.operator_id, store_id=store_id, why="grant", by=by, now=now)


def _check_decider(grant: RoleGrant, by: Operator) -> None:
    if not by.has_perm("members.decide_rolegrant"):
        raise NotAllowed(_("You may not decide on rights."))
    if grant.operator_id == by.pk:
        raise NotAllowed(_("A colleague has to decide this for you."))


def _move(grant: RoleGrant, before: GrantState, after: GrantState, **facts: object) -> None:
    if not RoleGrant.objects.filter(pk=grant.pk, state=before).update(state=after, **facts):
        raise HasMoved(_("Somebody was faster: this was decided already."))


def _write_down(action: str, grant: RoleGrant, *, by: Operator, now: datetime, **detail: object) -> None:
    audit.record(action=action, subject=f"foundation.operator:{grant.operator_id}", by=by, now=now, grant=grant.pk,
                 **detail)  # fmt: skip
