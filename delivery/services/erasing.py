"""Messages and replies of who was erased: what waits is left out, what has ended keeps no name, text or phone."""

import re
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Length

from delivery.models import Reply, ReplyState, UnreadNote
from delivery.services.ledger import Move, move
from foundation.crypto import CannotDecrypt, key_ring
from foundation.db import execute, fetch_all, load_sql
from foundation.services.phones import hash_phone
from members.services.erase import Erased

KEYWORD_LETTERS = 4  # a reply like "TD" proves a wish and says nothing of whoever had it
MOBILE = re.compile(r"(?<!\d)1\d{10}(?!\d)")
# Nothing else asks for the messages of a member, so there is no index for it: the months are read, one at a time.
FIND = """
SELECT id, state FROM delivery_message
WHERE month = %(month)s AND (phone_hash = %(phone)s OR member_id = ANY(%(member_ids)s)) AND phone_cipher <> ''
"""
TAKE_BACK = "DELETE FROM delivery_ready WHERE message_id = ANY(%(ids)s) RETURNING message_id"
ASK_NO_MORE = "UPDATE delivery_unsuremessage SET next_check_at = NULL WHERE message_id = ANY(%(ids)s)"
BLANK = """
UPDATE delivery_message SET params = '{}', phone_cipher = '', phone_tail = ''
WHERE month = %(month)s AND id = ANY(%(ids)s) AND state NOT IN ('PLANNED', 'CLAIMED')
"""


def erase(*, person: Erased, now: datetime) -> int:
    """
    Leave out what waits and blank what has ended; returns how many messages are in a worker's hands.

    Those are blanked by a repeat, once they have come back. An unsure message is asked about no more: a late receipt
    or a person settles it. A repeat changes nothing else.
    """
    left = sum(_erase_month(month, person, now=now) for _name, month in fetch_all(load_sql("delivery", "partitions")))
    if person.phone_hash is not None:
        _blank_replies(person.phone_hash, now=now)
        _drop_notes(person.phone_hash)
    return left


@transaction.atomic
def _erase_month(month: date, person: Erased, *, now: datetime) -> int:
    facts: dict[str, Any] = {"month": month, "phone": person.phone_hash, "member_ids": list(person.member_ids)}
    found = dict(fetch_all(FIND, facts))
    if not found:
        return 0
    waiting = [message_id for message_id, state in found.items() if state == "PLANNED"]
    taken = [row[0] for row in fetch_all(TAKE_BACK, {"ids": waiting})]
    move(month=month, moves=[Move(one, "EXCLUDED", "ERASED") for one in taken], now=now)
    ids = {"month": month, "ids": sorted(found)}
    execute(ASK_NO_MORE, ids)
    return len(found) - execute(BLANK, ids)


def _blank_replies(phone: UUID, *, now: datetime) -> None:
    """What a phone wrote is gone but for keywords, which the consent ledger names as proof."""
    replies = Reply.objects.filter(phone_hash=phone)
    replies.filter(state__in=[ReplyState.NEW, ReplyState.INBOX]).update(state=ReplyState.DONE, done_at=now)
    is_keyword = Q(state__in=[ReplyState.OPT_OUT, ReplyState.HANDLED], letters__lte=KEYWORD_LETTERS)
    kept = Case(When(is_keyword, then=F("text")), default=Value(""))
    replies.filter(~Q(phone_tail="")).alias(letters=Length("text")).update(
        text=kept, phone_tail="", phone_cipher=None
    )  # fmt: skip


def _drop_notes(phone: UUID) -> None:
    """Rows of providers that nobody could read are sealed, so each is opened to see whose it is."""
    for note in UnreadNote.objects.order_by("id").iterator():
        try:
            row = key_ring().decrypt(bytes(note.row_cipher))
        except CannotDecrypt:
            continue
        if any(hash_phone(number) == phone for number in MOBILE.findall(row)):
            note.delete()
