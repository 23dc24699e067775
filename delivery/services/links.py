"""Short links."""

from datetime import datetime, timedelta
from uuid import UUID

from delivery.rules.clicks import REPEAT_SECONDS
from foundation.db import fetch_value

# One statement: the address comes back and the hit is noted, whether it is the visitor's second within seconds too.
FOLLOW = """
WITH link AS (
    SELECT id, target FROM delivery_link WHERE token = %(token)s
), hit AS (
    INSERT INTO delivery_click (link_id, at, is_preview, is_repeat, visitor)
    SELECT id, %(now)s, %(is_preview)s,
           EXISTS (SELECT 1 FROM delivery_click c
                   WHERE c.link_id = link.id AND c.visitor = %(visitor)s AND c.at > %(since)s AND NOT c.is_preview),
           %(visitor)s
    FROM link
)
SELECT target FROM link
"""


def follow(*, token: str, visitor: UUID, is_preview: bool, now: datetime) -> str | None:
    """
    The address behind a token, with the hit noted; None for a token that leads nowhere.

    A person's click is neither a preview (`rules.clicks`) nor the same visitor's second within REPEAT_SECONDS.
    """
    target: str | None = fetch_value(
        FOLLOW,
        {
            "token": token, "visitor": visitor, "is_preview": is_preview, "now": now,
            "since": now - timedelta(seconds=REPEAT_SECONDS),
        },
    )  # fmt: skip
    return target
