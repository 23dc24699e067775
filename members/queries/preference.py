"""What a preference page shows."""

from dataclasses import dataclass
from datetime import datetime

from foundation.tokens import could_be_token
from members.models import Consent, Member, PhoneGate, PreferenceLink


@dataclass(frozen=True, slots=True)
class Preference:
    """The last word of the phone behind a preference link. `phone_tail` may be empty."""

    phone_tail: str
    has_left: bool
    changed_at: datetime | None


def preference_of(*, token: str) -> Preference | None:
    """The state of a preference link; None for an unknown token."""
    link = PreferenceLink.objects.filter(token=token).first() if could_be_token(token) else None
    if link is None:
        return None
    gate = PhoneGate.objects.filter(phone_hash=link.phone_hash).first()
    tails = Member.objects.present().filter(phone_hash=link.phone_hash).order_by("id")
    return Preference(
        phone_tail=tails.values_list("phone_tail", flat=True).first() or "",
        has_left=gate is not None and gate.consent == Consent.OPTED_OUT,
        changed_at=gate.changed_at if gate else None,
    )
