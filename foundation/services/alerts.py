"""Telling a person: one open row per code and subject, however often it happens."""

import logging
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from psycopg.types.json import Jsonb

from foundation.db import execute
from foundation.errors import HasMoved
from foundation.models import Alert, Operator
from foundation.services import audit

log = logging.getLogger(__name__)

RAISE = """
INSERT INTO foundation_alert (code, subject, facts, first_at, last_at, times_count)
VALUES (%(code)s, %(subject)s, %(facts)s, %(now)s, %(now)s, 1)
ON CONFLICT (code, subject) WHERE closed_at IS NULL
DO UPDATE SET last_at = EXCLUDED.last_at, facts = EXCLUDED.facts, times_count = foundation_alert.times_count + 1
"""


def raise_alert(*, code: str, subject: str, now: datetime, **facts: Any) -> None:
    """
    Open an alert, or count one more of an open one. The sentence for `code` is the console's (`workplaces.alerts`).

    `subject` names a row like `delivery.channel:3`; `facts` are JSON values without phones, codes or texts.
    """
    execute(RAISE, {"code": code, "subject": subject, "facts": Jsonb(facts), "now": now})
    log.error("alert", extra={"code": code, "subject": subject})


def clear(*, code: str, subject: str, now: datetime) -> bool:
    """Close an alert whose cause is gone; whether there was one."""
    return bool(Alert.objects.filter(code=code, subject=subject, closed_at__isnull=True).update(closed_at=now))


@transaction.atomic
def close(*, alert_id: int, by: Operator, now: datetime) -> None:
    """A person has seen to it. Raises HasMoved when it is closed already."""
    if not Alert.objects.filter(pk=alert_id, closed_at__isnull=True).update(closed_at=now, closed_by=by):
        raise HasMoved(_("This alert is closed already."))
    audit.record(action="alert.closed", subject=f"foundation.alert:{alert_id}", by=by, now=now)
