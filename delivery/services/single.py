"""One message to one phone, asked for by another system: an order is ready, a parcel waits."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from delivery.models import Dispatch, Message
from delivery.rules.routing import lot_carrier
from delivery.services import dispatches
from delivery.services.dispatches import NewMessage
from foundation.errors import DomainError
from foundation.models import Operator
from foundation.phone import parse_mobile
from foundation.services import audit
from foundation.services.phones import SealedPhone, seal
from members.models import Member
from members.services.erase import hold_off_erasing, is_erased
from templates_sms.models import TemplateVersion, Tier
from templates_sms.rules.merge_fields import MergeFieldMissing, fill

VALID_HOURS = 24
URGENT = 10


class NoNotice(DomainError):
    """The text is no approved notice."""

    code = "NO_NOTICE"


class ValueMissing(DomainError):
    """A field of the text has no value and no fallback."""

    code = "VALUE_MISSING"


class KeyReused(DomainError):
    """The idempotency key was used for another message."""

    code = "IDEMPOTENCY_KEY_REUSED"


class PersonErased(DomainError):
    """Whoever asked to be forgotten is written to again only after they agree anew."""

    code = "PERSON_ERASED"


@transaction.atomic
def send_one(
    *, source: str, phone: str, version: TemplateVersion, params: Mapping[str, str], by: Operator, now: datetime
) -> tuple[Message, bool]:  # fmt: skip
    """
    Write one approved notice to one phone; returns the message and whether it is new.

    `source` names the call for ever: the same call again gets the message that was written first, another one under
    its name raises KeyReused. Raises PhoneRefused, NoNotice, ValueMissing, PersonErased. Given up after a day.
    """
    sealed = seal(parse_mobile(phone))
    if version.tier != Tier.NOTICE:
        raise NoNotice(_("Only texts of the notice tier can be sent to one person by another system."))
    try:
        fill(version.body, params)
    except MergeFieldMissing as missing:
        raise ValueMissing(_("The text needs a value for %(field)s.") % {"field": missing.field}) from missing
    hold_off_erasing()
    if is_erased(phone_hash=sealed.hash):
        raise PersonErased(_("This person asked to be erased. They have to agree anew first."))
    dispatch = dispatches.open_dispatch(
        source=source, tier=Tier.NOTICE, not_before=now, expires_at=now + timedelta(hours=VALID_HOURS), now=now,
        priority=URGENT,
    )  # fmt: skip
    # The lock makes a second call under the same name wait for the first.
    Dispatch.objects.select_for_update(no_key=True).get(pk=dispatch.pk)
    known = Message.objects.filter(month=dispatch.month, dispatch_id=dispatch.pk).first()
    if known is not None:
        _same_or_refuse(known, sealed, version, params)
        return known, False
    dispatches.add_messages(dispatch=dispatch, people=[_message(sealed, version, params)])
    dispatches.release(dispatch_id=dispatch.pk)
    audit.record(action="message.asked_for", subject=f"delivery.dispatch:{dispatch.pk}", by=by, now=now)
    return Message.objects.get(month=dispatch.month, dispatch_id=dispatch.pk), True


def _message(sealed: SealedPhone, version: TemplateVersion, params: Mapping[str, str]) -> NewMessage:
    member = Member.objects.present().filter(phone_hash=sealed.hash).order_by("id").first()
    return NewMessage(
        dedupe_key=sealed.hash, variant="A", template_version_id=version.pk, params=dict(params),
        member_id=member.pk if member else None, phone_hash=sealed.hash, phone_cipher=sealed.cipher,
        phone_tail=sealed.tail, carrier=lot_carrier(sealed.carrier), is_demo=member.is_demo if member else False,
        fingerprint=version.fingerprint,
    )  # fmt: skip


def _same_or_refuse(
    known: Message, sealed: SealedPhone, version: TemplateVersion, params: Mapping[str, str]
) -> None:  # fmt: skip
    asked = (sealed.hash, version.pk, dict(params))
    if (known.phone_hash, known.template_version_id, known.params) != asked:
        raise KeyReused(_("This idempotency key was used for another message."))
