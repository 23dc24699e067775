"""What IT does for an operator who cannot get in, or should not be in. Each is written down."""

import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from foundation.errors import DomainError, NotAllowed
from foundation.models import Operator
from foundation.services import audit, lockout, second_factor, sessions

# Read out and typed without mistakes: no 0/o, 1/l/i. Twelve of them have 59 bits.
LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"


class IsLeft(DomainError):
    """The operator is deactivated: nothing lets them in."""

    code = "IS_LEFT"


@transaction.atomic
def give_one_time_password(*, operator_id: int, by: Operator, now: datetime) -> str:
    """
    A password to tell an operator, good for ONE_TIME_HOURS and for one login; all their logins end.

    It is returned once and kept only as a hash. Raises NotAllowed, IsLeft.
    """
    return _give(_of(operator_id, by=by), by=by, now=now)


def _give(operator: Operator, *, by: Operator | None, now: datetime) -> str:
    if not operator.is_active:
        raise IsLeft(_("This operator is deactivated. Activate them first."))
    password = "-".join("".join(secrets.choice(LETTERS) for _letter in range(4)) for _group in range(3))
    operator.set_password(password)
    operator.one_time_until = now + timedelta(hours=settings.ONE_TIME_HOURS)
    operator.save(update_fields=["password", "one_time_until"])
    lockout.forget(username=operator.username)
    ended = sessions.end_all(operator_id=operator.pk)
    _write_down("operator.password_given", operator, by=by, now=now, sessions=ended)
    return password


@transaction.atomic
def unlock(*, operator_id: int, by: Operator, now: datetime) -> int:
    """Forget an operator's wrong passwords; how many they were. Raises NotAllowed."""
    operator = _of(operator_id, by=by)
    count = lockout.forget(username=operator.username)
    second_factor.forgive(operator=operator)
    _write_down("operator.unlocked", operator, by=by, now=now, failures=count)
    return count


@transaction.atomic
def reset_second_factor(*, operator_id: int, by: Operator, now: datetime) -> None:
    """A lost phone: untie it and the paper, end all logins; the next one ties another phone. Raises NotAllowed."""
    operator = _of(operator_id, by=by)
    second_factor.forget(operator=operator)
    ended = sessions.end_all(operator_id=operator_id)
    _write_down("operator.second_factor_reset", operator, by=by, now=now, sessions=ended)


@transaction.atomic
def end_logins(*, operator_id: int, by: Operator, now: datetime) -> int:
    """Log an operator out everywhere; how many logins they had. Raises NotAllowed."""
    operator = _of(operator_id, by=by)
    count = sessions.end_all(operator_id=operator_id)
    _write_down("operator.logged_out", operator, by=by, now=now, sessions=count)
    return count


@transaction.atomic
def let_in(*, username: str, now: datetime) -> str:
    """
    For the console's host alone: unlock, untie and give a one-time password, when nobody inside can.

    Raises Operator.DoesNotExist, IsLeft.
    """
    operator = Operator.objects.select_for_update().get(username=username)
    second_factor.forget(operator=operator)
    return _give(operator, by=None, now=now)


@transaction.atomic
def own_password_changed(*, operator: Operator, session_key: str | None, now: datetime) -> None:
    """An operator has chosen a password themself: a one-time one is used up, their other logins end."""
    Operator.objects.filter(pk=operator.pk).update(one_time_until=None)
    operator.one_time_until = None
    ended = sessions.end_all(operator_id=operator.pk, but=session_key)
    _write_down("operator.password_changed", operator, by=operator, now=now, sessions=ended)


def _of(operator_id: int, *, by: Operator) -> Operator:
    """Raises NotAllowed for oneself, and for a superuser unless one asks."""
    operator = Operator.objects.select_for_update().get(pk=operator_id)
    if operator.pk == by.pk:
        raise NotAllowed(_("A colleague has to do this for you."))
    if operator.is_superuser and not by.is_superuser:
        raise NotAllowed(_("Only a superuser may do this for a superuser."))
    return operator


def _write_down(action: str, operator: Operator, *, by: Operator | None, now: datetime, **detail: int) -> None:
    audit.record(action=action, subject=f"foundation.operator:{operator.pk}", by=by, now=now, **detail)
