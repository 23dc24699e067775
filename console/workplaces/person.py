"""Who a search is about: found by phone, card number or coupon code, and carried on without any of them."""

from dataclasses import dataclass
from uuid import UUID

from django.core.signing import BadSignature, Signer
from django.utils.translation import gettext as _

from coupons.models import Coupon
from coupons.rules.code import MalformedCode, parse_code
from delivery.models import Message, Reply
from foundation.errors import DomainError
from foundation.phone import PhoneRefused, mask, parse_mobile
from foundation.services.phones import hash_phone, open_phone
from members.models import Member

SIGNER = Signer(salt="console.person")
PHONE_DIGITS = 11


class NobodyFound(DomainError):
    """The search names nobody, or can't be read."""

    code = "NOBODY_FOUND"


@dataclass(frozen=True)
class Person:
    """A phone as we know it. `masked` is 138****8000, `cipher` None when we have never stored the number."""

    phone_hash: UUID
    masked: str
    members: list[Member]
    cipher: bytes | None

    @property
    def tail(self) -> str:
        """The last four digits; empty when we do not know the number."""
        return self.masked[-4:] if self.masked[-4:].isdecimal() else ""

    @property
    def token(self) -> str:
        """Names the person in the next form, in the place of the number."""
        return SIGNER.sign(str(self.phone_hash))


def find(text: str) -> Person:
    """The person behind a phone, a card number or a coupon code as typed. Raises NobodyFound with what is wrong."""
    text = "".join(filter(str.isprintable, text)).strip()  # the database takes no NUL
    try:
        mobile = parse_mobile(text)
    except PhoneRefused:
        return _by_card_or_code(text)
    return _person(hash_phone(mobile), masked=mask(mobile))


def of_token(token: str) -> Person:
    """The person that a page was about. Raises NobodyFound for a token that is not ours."""
    try:
        return _person(UUID(SIGNER.unsign(token)))
    except (BadSignature, ValueError) as wrong:
        raise NobodyFound(_("Search again.")) from wrong


def _by_card_or_code(text: str) -> Person:
    card = Member.objects.filter(card_no=text).first()
    if card is None:
        card = _by_code(text)
    if card is None:
        raise NobodyFound(_why(text))
    if card.phone_hash is None:
        raise NobodyFound(_("Member %(card)s has no phone; nothing was ever sent.") % {"card": card.card_no})
    return _person(card.phone_hash)


def _by_code(text: str) -> Member | None:
    try:
        code = parse_code(text)
    except MalformedCode:
        return None
    coupon = Coupon.objects.filter(code=code).first()
    return Member.objects.filter(pk=coupon.member_id).first() if coupon and coupon.member_id else None


def _why(text: str) -> str:
    digits = "".join(one for one in text if one.isdecimal())
    if digits and len(digits) != PHONE_DIGITS and not any(one.isalpha() for one in text):
        counts = {"count": len(digits), "right": PHONE_DIGITS}
        return _("%(count)s digits; a mobile number has %(right)s. No card has this number either.") % counts
    return _("No member has this card number, and no coupon this code.")


def _person(phone_hash: UUID, *, masked: str = "") -> Person:
    members = list(Member.objects.filter(phone_hash=phone_hash).select_related("home_store").order_by("id"))
    cipher = next((one.phone_cipher for one in members if one.phone_cipher), None)
    if cipher is None:
        # What was erased is empty, and no phone any more.
        newest = Message.objects.filter(phone_hash=phone_hash).exclude(phone_cipher=b"").order_by("-id").first()
        cipher = newest.phone_cipher if newest else None
    if cipher is None:
        reply = Reply.objects.filter(phone_hash=phone_hash, phone_cipher__isnull=False).order_by("-id").first()
        cipher = reply.phone_cipher if reply else None
    known = bytes(cipher) if cipher is not None else None
    return Person(phone_hash, masked or (mask(open_phone(known)) if known else _("unknown")), members, known)
