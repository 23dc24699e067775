"""The preference page: its links, and leaving or coming back."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from foundation.db import execute
from foundation.tokens import new_tokens
from members.models import ConsentSource, PreferenceLink
from members.services import consent

PROOF_LENGTH = 200

INSERT = """
INSERT INTO members_preferencelink (token, phone_hash)
SELECT * FROM unnest(%(tokens)s::text[], %(hashes)s::uuid[]) AS l(token, phone_hash)
ON CONFLICT (phone_hash) DO NOTHING
"""


def links_for(*, phone_hashes: Sequence[UUID]) -> dict[UUID, str]:
    """The token of each phone's preference page; those without one get one, for good."""
    wanted = sorted(set(phone_hashes))
    execute(INSERT, {"tokens": new_tokens(len(wanted)), "hashes": wanted})
    links = PreferenceLink.objects.filter(phone_hash__in=wanted)
    return dict(links.values_list("phone_hash", "token"))


@transaction.atomic
def leave(*, token: str, reason: str, now: datetime) -> bool:
    """Opt out the phone of a preference link. False for an unknown token; a repeat changes nothing."""
    link = PreferenceLink.objects.filter(token=token).first()
    if link is None:
        return False
    consent.opt_out(
        phone_hash=link.phone_hash, source=ConsentSource.PREFERENCE_PAGE, proof="page:/p/", now=now, reason=reason[:40]
    )
    return True


@transaction.atomic
def come_back(*, token: str, words: str, now: datetime) -> bool:
    """
    A fresh consent by the person themself. False for an unknown token; a repeat changes nothing.

    `words` is the sentence they agreed to, as they read it; it is kept as the proof.
    """
    link = PreferenceLink.objects.filter(token=token).first()
    if link is None:
        return False
    proof = f"page:/p/ {words}"[:PROOF_LENGTH]
    consent.grant(phone_hash=link.phone_hash, source=ConsentSource.PREFERENCE_PAGE, proof=proof, now=now)
    return True
