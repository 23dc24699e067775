"""What a preference page shows."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from foundation.tokens import NO_TOKEN, could_be_token
from members.models import Consent, ConsentEvent, Member, PhoneGate, PreferenceLink


@dataclass(frozen=True, slots=True)
class Preference:
    """
    The last word of the phone behind a preference link. `phone_tail` may be empty.

    `agreed_at` and `agreed_by` are the latest consent's proof in short; None and empty when there is none.
    """

    phone_tail: str
    has_left: bool
    changed_at: datetime | None
    agreed_at: datetime | None
    agreed_by: str


def preference_of(*, token: str) -> Preference | None:
    """The state of a preference link; None for an unknown token."""
    link = PreferenceLink.objects.filter(token=token if could_be_token(token) else NO_TOKEN).first()
    if link is None:
        return None
    gate = PhoneGate.objects.filter(phone_hash=link.phone_hash).first()
    tails = Member.objects.present().filter(phone_hash=link.phone_hash).order_by("id")
    agreed = _latest_consent(link)
    return Preference(
        phone_tail=tails.values_list("phone_tail", flat=True).first() or "",
        has_left=gate is not None and gate.consent == Consent.OPTED_OUT,
        changed_at=gate.changed_at if gate else None,
        agreed_at=agreed.at if agreed else None,
        agreed_by=agreed.source if agreed else "",
    )


def phone_of_member(*, member_id: int) -> UUID | None:
    """The phone hash of a member who is still there; None without a phone."""
    return Member.objects.present().filter(pk=member_id).values_list("phone_hash", flat=True).first()


def _latest_consent(link: PreferenceLink) -> ConsentEvent | None:
    given = ConsentEvent.objects.filter(phone_hash=link.phone_hash, consent=Consent.GRANTED)
    return given.order_by("-id").first()
