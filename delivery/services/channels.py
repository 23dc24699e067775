"""What staff do to a channel: let it carry, drain it, switch it off, test it."""

import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from delivery.models import Channel, ChannelState, Dispatch
from delivery.rules.routing import lot_carrier
from delivery.services import dispatches
from delivery.services.dispatches import NewMessage
from foundation import queue
from foundation.errors import DomainError, HasMoved
from foundation.models import Operator
from foundation.phone import parse_mobile
from foundation.services import audit
from foundation.services.phones import seal
from members.models import PhoneGate, Suppression
from members.services.erase import hold_off_erasing
from templates_sms.models import TemplateVersion, Tier

TEST_MINUTES = 10
URGENT = 10
REASON_LETTERS = 200


class TestRefused(DomainError):
    """A test message that can't be sent."""

    code = "TEST_REFUSED"


@transaction.atomic
def set_state(*, channel_id: int, state: str, by: Operator, now: datetime, reason: str = "") -> None:
    """
    OPEN carries, DRAINED gets no new chunk, DISABLED passes no fence. Raises HasMoved when it is so already.

    `reason` is what the operator says of it; it stays in the log.
    """
    channels = Channel.objects.filter(pk=channel_id).exclude(state=state)
    if not channels.update(state=ChannelState(state)):
        raise HasMoved(_("The channel is in this state already."))
    said = {"reason": reason[:REASON_LETTERS]} if reason else {}
    audit.record(action=f"channel.{state.lower()}", subject=f"delivery.channel:{channel_id}", by=by, now=now, **said)
    if state == ChannelState.OPEN:
        queue.ring("delivery.pump_urgent")
        queue.ring("delivery.pump_bulk")


@transaction.atomic
def add_simulator(*, by: Operator, now: datetime) -> Channel:
    """Add a channel that only pretends to send, for a first look. Raises HasMoved when there is a channel already."""
    facts = {"name": _("Simulated channel"), "vendor": "simulator", "webhook_token": secrets.token_urlsafe(32)}
    channel, is_new = Channel.objects.get_or_create(code="simulator", defaults=facts)
    if not is_new:
        raise HasMoved(_("There is a simulated channel already."))
    audit.record(action="channel.added", subject=f"delivery.channel:{channel.pk}", by=by, now=now)
    return channel


@transaction.atomic
def send_test(*, channel_id: int, phone: str, version: TemplateVersion, by: Operator, now: datetime) -> Dispatch:
    """
    Write one approved notice to one phone through this channel and no other; the ledger keeps it like any message.

    Goes through a drained channel too. Raises PhoneRefused, TestRefused for a channel that is switched off, a
    text that is no notice, or a phone that nobody may write to.
    """
    hold_off_erasing()
    sealed = seal(parse_mobile(phone))
    channel = Channel.objects.get(pk=channel_id)
    if channel.state == ChannelState.DISABLED:
        raise TestRefused(_("The channel is switched off."))
    if version.tier != Tier.NOTICE:
        raise TestRefused(_("A test needs a text of the notice tier."))
    gate = PhoneGate.objects.filter(phone_hash=sealed.hash).first()
    if Suppression.objects.filter(phone_hash=sealed.hash).in_force_at(now).exists():
        raise TestRefused(_("This phone is on the suppression list."))
    if gate is not None and gate.consent == "OPTED_OUT":
        raise TestRefused(_("This phone has opted out."))
    source = f"channel_test:{channel_id}:{by.pk}:{now.timestamp():.3f}"
    dispatch = dispatches.open_dispatch(
        source=source, tier=Tier.NOTICE, not_before=now, expires_at=now + timedelta(minutes=TEST_MINUTES), now=now,
        priority=URGENT, only_channel_id=channel_id,
    )  # fmt: skip
    person = NewMessage(
        dedupe_key=sealed.hash, variant="A", template_version_id=version.pk, params={"answer": _("Test")},
        member_id=None, phone_hash=sealed.hash, phone_cipher=sealed.cipher, phone_tail=sealed.tail,
        carrier=lot_carrier(sealed.carrier), is_demo=False, fingerprint=version.fingerprint,
    )  # fmt: skip
    dispatches.add_messages(dispatch=dispatch, people=[person])
    dispatches.release(dispatch_id=dispatch.pk)
    audit.record(action="channel.tested", subject=f"delivery.channel:{channel_id}", by=by, now=now)
    return dispatch
