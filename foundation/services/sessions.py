"""
How long a login lasts, how many an operator may have, and ending them.

Times are seconds of the wall's clock: a business clock that is shifted for a rehearsal logs nobody out.
"""

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase

from foundation.models import Operator, Session

BEGUN = "begun_at"
SEEN = "seen_at"
SEEN_EVERY_SECONDS = 60  # a write per minute, not per page


def begin(*, session: SessionBase, operator: Operator, at: float, is_complete: bool) -> None:
    """
    A login's time starts; once it is complete, the operator's oldest ones above OFFICE_SESSIONS end.

    One that still wants a code ends nobody's work: a password alone is not the operator.

    Clerks may stand at as many tills as they like; a shift is open on one of them only.
    """
    session[BEGUN] = session[SEEN] = at
    if operator.is_staff and is_complete:
        session.save()
        kept = Session.objects.filter(operator=operator).order_by("-begun_at", "-session_key")[
            : settings.OFFICE_SESSIONS
        ]
        Session.objects.filter(operator=operator).exclude(pk__in=list(kept.values_list("pk", flat=True))).delete()


def is_over(*, session: SessionBase, operator: Operator, at: float) -> bool:
    """Whether a login has lasted its time; in the office also whether nobody has worked with it for too long."""
    if BEGUN not in session:  # a login that no page of ours began, such as a script's
        session[BEGUN] = session[SEEN] = at
    if at - session[BEGUN] > settings.SESSION_COOKIE_AGE:
        return True
    return operator.is_staff and at - session.get(SEEN, at) > settings.OFFICE_IDLE_MINUTES * 60


def note_work(*, session: SessionBase, at: float) -> None:
    """Somebody is there."""
    if at - session.get(SEEN, 0) > SEEN_EVERY_SECONDS:
        session[SEEN] = at


def end_all(*, operator_id: int, but: str | None = None) -> int:
    """Log an operator out everywhere, or everywhere `but` in one session; how many there were."""
    ended, _by_model = Session.objects.filter(operator_id=operator_id).exclude(pk=but or "").delete()
    return ended
