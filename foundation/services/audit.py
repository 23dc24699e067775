"""Who did what, beside the change itself."""

from datetime import datetime
from typing import Any

from foundation.models import AuditEntry, Operator


def record(*, action: str, subject: str, by: Operator | None, now: datetime, **detail: Any) -> AuditEntry:
    """
    Write one audit entry; needs the transaction of the change it speaks of.

    `subject` names a row like `campaigns.campaign:17`; `detail` holds no phones, codes or texts.
    """
    return AuditEntry.objects.create(at=now, actor=by, action=action, subject=subject, detail=detail)
