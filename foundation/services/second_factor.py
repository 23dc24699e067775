"""
The second step of a login: a code from a phone, or one of ten recovery codes on paper.

django-otp keeps the devices, throttles wrong codes (1, 2, 4, 8 … seconds) and lets no code pass twice.
"""

import secrets
import unicodedata
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken

from foundation.crypto import key_ring
from foundation.errors import DomainError
from foundation.models import Authenticator, Operator
from foundation.services import audit, sessions

STEP = "second_factor"  # what a session says of it
WAITING = "second_factor_waiting"
DUE, DONE = "due", "done"
DIGITS = 6
RECOVERY_COUNT = 10
LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"  # read from paper without mistakes


class WrongCode(DomainError):
    """The code is not right, or was used before."""

    code = "WRONG_CODE"


class TooFast(DomainError):
    """Too many wrong codes in a row: this one was not even looked at."""

    code = "TOO_FAST"
    retryable = True


def has_one(*, operator: Operator) -> bool:
    """Whether a phone is tied to an operator."""
    return Authenticator.objects.filter(user=operator, confirmed=True).exists()


def came_in(*, session: SessionBase, operator: Operator, at: float) -> None:
    """The password was right. Whoever has a second factor owes its code now, at whichever door."""
    is_due = settings.SECOND_FACTOR and has_one(operator=operator)
    if is_due:
        session[STEP] = DUE
    sessions.begin(session=session, operator=operator, at=at, is_complete=not is_due)


def stand_of(*, session: SessionBase, operator: Operator) -> str:
    """
    What a login still wants: "CODE", "ENROL" or nothing.

    In the office everybody needs a second factor; a clerk needs the one they have.
    """
    step = session.get(STEP)
    if not settings.SECOND_FACTOR or step == DONE or (step is None and not operator.is_staff):
        return ""
    return "CODE" if step == DUE or has_one(operator=operator) else "ENROL"


def begin_enrolment(*, operator: Operator, session: SessionBase) -> Authenticator:
    """
    The phone that is about to be tied; looking at the page again shows the same.

    Each login has a secret of its own: whoever saw one with a stolen password alone must not share it later.
    """
    waiting: Authenticator | None = _waiting(operator, session).first()
    if waiting is None:
        waiting = Authenticator.objects.create(user=operator, confirmed=False, name="phone")
        session[WAITING] = waiting.pk
    return waiting


def enrol(*, operator: Operator, text: str, session: SessionBase, at: float, now: datetime) -> list[str]:
    """
    Tie the waiting phone with a first code of it; an earlier one is untied. Returns fresh recovery codes.

    Raises WrongCode, TooFast; a wrong code counts.
    """
    _verify(_waiting(operator, session), _plain(text), at=at)
    with transaction.atomic():
        tied = _waiting(operator, session).update(confirmed=True)
        if not tied:
            raise WrongCode(_("This phone was tied already."))
        Authenticator.objects.filter(user=operator).exclude(pk=session.pop(WAITING)).delete()
        codes = _fresh_codes(operator)
        _write_down("operator.second_factor_tied", operator, now=now)
    _complete(session, operator, at)
    return codes


def enter(*, operator: Operator, text: str, session: SessionBase, at: float, now: datetime) -> int | None:
    """
    Complete a login with a code of the phone, or with a recovery code; then how many of those are left.

    Raises WrongCode, TooFast; a wrong code counts.
    """
    plain = _plain(text)
    left = None
    if plain.isdecimal() and len(plain) == DIGITS:
        _verify(Authenticator.objects.filter(user=operator, confirmed=True), plain, at=at)
    else:
        papers = StaticDevice.objects.filter(user=operator, confirmed=True)
        _verify(papers, _kept(operator, plain), at=at)
        left = recovery_count(operator=operator)
        _write_down("operator.recovery_code_used", operator, now=now, left=left)
    _complete(session, operator, at)
    return left


@transaction.atomic
def renew_codes(*, operator: Operator, now: datetime) -> list[str]:
    """Ten fresh recovery codes; those on the old paper are worth nothing from now on."""
    codes = _fresh_codes(operator)
    _write_down("operator.recovery_codes_renewed", operator, now=now)
    return codes


def recovery_count(*, operator: Operator) -> int:
    """How many recovery codes are left."""
    return StaticDevice.objects.filter(user=operator, token_set__isnull=False).count()


def forget(*, operator: Operator) -> None:
    """Untie phone and paper; the next login ties another phone. Needs an open transaction."""
    Authenticator.objects.filter(user=operator).delete()
    StaticDevice.objects.filter(user=operator).delete()


def forgive(*, operator: Operator) -> None:
    """Forget wrong codes, so that nobody has to wait for the next."""
    for model in (Authenticator, StaticDevice):
        model.objects.filter(user=operator).update(throttling_failure_count=0, throttling_failure_timestamp=None)


def _waiting(operator: Operator, session: SessionBase) -> QuerySet[Authenticator]:
    return Authenticator.objects.filter(user=operator, confirmed=False, pk=session.get(WAITING, 0))


def _verify(devices: QuerySet[Any], value: str, *, at: float) -> None:
    # The transaction ends before the refusal is raised: a wrong code has to count.
    with transaction.atomic():
        device = devices.select_for_update().order_by("id").first()
        allowed, why = device.verify_is_allowed() if device is not None else (True, {})
        is_good = allowed and device is not None and device.verify_token(value)
    if not allowed:
        seconds = max(int(why["locked_until"].timestamp() - at) + 1, 1)
        words = ngettext(
            "Wrong too often. Wait %(seconds)s second and enter a new code.",
            "Wrong too often. Wait %(seconds)s seconds and enter a new code.",
            seconds,
        )
        raise TooFast(words % {"seconds": seconds})
    if not is_good:
        raise WrongCode(_("This code is not right, or was used already. Enter the one that is shown now."))


def _plain(text: str) -> str:
    """As it is meant: no spaces or dashes, halfwidth, small letters."""
    return "".join(unicodedata.normalize("NFKC", text).lower().replace("-", "").split())[:32]


def _kept(operator: Operator, code: str) -> str:
    """What is kept of a recovery code: a keyed hash."""
    return key_ring().digest(f"recovery:{operator.pk}:{code}").hex[:16]


def _fresh_codes(operator: Operator) -> list[str]:
    StaticDevice.objects.filter(user=operator).delete()
    codes = ["".join(secrets.choice(LETTERS) for _letter in range(8)) for _code in range(RECOVERY_COUNT)]
    paper = StaticDevice.objects.create(user=operator, name="paper", confirmed=True)
    StaticToken.objects.bulk_create(StaticToken(device=paper, token=_kept(operator, code)) for code in codes)
    return [f"{code[:4]}-{code[4:]}" for code in codes]


def _complete(session: SessionBase, operator: Operator, at: float) -> None:
    session[STEP] = DONE
    session.cycle_key()
    sessions.begin(session=session, operator=operator, at=at, is_complete=True)


def _write_down(action: str, operator: Operator, *, now: datetime, **detail: int) -> None:
    audit.record(action=action, subject=f"foundation.operator:{operator.pk}", by=operator, now=now, **detail)
