"""What members write back: opt-outs act at once, keywords by rule, everything else waits for staff."""

import logging
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from delivery.models import Channel, Message, NoteKind, Reply, ReplyAnswer, ReplyState
from delivery.port import ReplyNote, Unread
from delivery.rules.routing import lot_carrier
from delivery.services import dispatches
from delivery.services.dispatches import NewMessage
from delivery.services.unread import keep_unread
from foundation.errors import DomainError, HasMoved
from foundation.models import Operator
from foundation.phone import PhoneRefused, parse_mobile
from foundation.services import audit
from foundation.services.phones import SealedPhone, open_phone, seal
from members.models import ConsentSource, Member
from members.rules.consent import is_opt_out
from members.services.consent import grant, opt_out
from members.services.erase import hold_off_erasing
from templates_sms.models import TemplateVersion, Tier
from templates_sms.services import TextRefused, check_text

log = logging.getLogger(__name__)

ANSWER_HOURS = 24
COME_BACK_WORDS = frozenset({"DY", "订阅", "恢复订阅", "START"})


@transaction.atomic
def receive_replies(*, channel: Channel, notes: Sequence[ReplyNote], now: datetime) -> int:
    """
    Keep replies; an opt-out takes effect in the same transaction, before the provider gets its answer.

    A repeated reply changes nothing. One from no mobile number (a short code, a landline) is nobody's opt-out and is
    kept unread. Returns how many were new.
    """
    known = [(seal(mobile), note) for note in notes if (mobile := _mobile(note.phone))]
    # Sorted by phone: the gate locks the same rows in this order.
    known.sort(key=lambda one: one[0].hash)
    strange = [Unread("phone is no mobile number.", str(asdict(note))) for note in notes if not _mobile(note.phone)]
    keep_unread(channel=channel, kind=NoteKind.REPLY, rows=strange, now=now)
    return sum(_receive(channel, sealed, note, now=now) for sealed, note in known)


def _mobile(phone: str) -> str | None:
    try:
        return parse_mobile(phone)
    except PhoneRefused:
        return None


def _receive(channel: Channel, sealed: SealedPhone, note: ReplyNote, *, now: datetime) -> bool:
    leaves = is_opt_out(note.text)
    facts = {
        "phone_hash": sealed.hash, "phone_tail": sealed.tail, "phone_cipher": sealed.cipher, "text": note.text[:500],
        "received_at": now, "state": ReplyState.OPT_OUT if leaves else ReplyState.INBOX,
    }  # fmt: skip
    reply, is_new = Reply.objects.get_or_create(channel_id=channel.pk, vendor_id=note.vendor_id[:64], defaults=facts)
    if is_new and leaves:
        opt_out(phone_hash=reply.phone_hash, source=ConsentSource.REPLY, proof=f"reply:{reply.pk}", now=now)
    elif is_new and _handled(reply, now=now):
        Reply.objects.filter(pk=reply.pk).update(state=ReplyState.HANDLED, done_at=now)
    return is_new


def _handled(reply: Reply, *, now: datetime) -> bool:
    """Whether a keyword handler took the reply. One that breaks must cost neither the reply nor its neighbours."""
    for path in settings.REPLY_HANDLERS:
        try:
            with transaction.atomic():
                if import_string(path)(reply=reply, now=now):
                    return True
        except Exception:  # a handler of any room may fail in any way; staff will read the reply
            log.exception("reply_handler_failed", extra={"handler": path, "reply_id": reply.pk})
    return False


def come_back(*, reply: Reply, now: datetime) -> bool:
    """Keyword handler: DY or 订阅 is a fresh consent, given by the person and kept with its proof."""
    if reply.text.strip().upper() not in COME_BACK_WORDS:
        return False
    grant(phone_hash=reply.phone_hash, source=ConsentSource.REPLY, proof=f"reply:{reply.pk}", now=now)
    return True


def assign(*, reply_id: int, to: Operator | None, by: Operator, now: datetime) -> None:
    """Say who looks after a reply; None gives it back to all. Raises HasMoved when it is no longer in the inbox."""
    if not Reply.objects.filter(pk=reply_id, state=ReplyState.INBOX).update(assigned_to=to):
        raise HasMoved(_("This reply is done already."))
    audit.record(
        action="reply.assigned", subject=f"delivery.reply:{reply_id}", by=by, now=now, to=to.pk if to else None
    )


@transaction.atomic
def done(*, reply_id: int, by: Operator, now: datetime) -> None:
    """Put a reply away. Raises HasMoved when it is away already."""
    if not Reply.objects.filter(pk=reply_id, state=ReplyState.INBOX).update(state=ReplyState.DONE, done_at=now):
        raise HasMoved(_("This reply is done already."))
    audit.record(action="reply.done", subject=f"delivery.reply:{reply_id}", by=by, now=now)


@transaction.atomic
def answer(*, reply_id: int, version: TemplateVersion, text: str, by: Operator, now: datetime) -> ReplyAnswer:
    """
    Write back to one person with an approved notice; `text` fills its {answer} where it has one.

    Puts the reply away; it may be answered again. Raises DomainError for a text of another tier or without
    a phone to write to, TextRefused for forbidden words.
    """
    hold_off_erasing()
    reply = Reply.objects.select_for_update().get(pk=reply_id)
    if version.tier != Tier.NOTICE:
        raise DomainError(_("An answer needs a text of the notice tier."))
    if text:
        if "{" in text or "}" in text:
            raise TextRefused(_("An answer has no merge fields."))
        check_text(text)
    sealed = _sealed_phone(reply)
    ordinal = reply.answers.count() + 1
    dispatch = dispatches.open_dispatch(
        source=f"reply:{reply.pk}:{ordinal}", tier=Tier.NOTICE, not_before=now, now=now,
        expires_at=now + timedelta(hours=ANSWER_HOURS), priority=50,
    )  # fmt: skip
    dispatches.add_messages(dispatch=dispatch, people=[_message(reply, sealed, version, text)])
    dispatches.release(dispatch_id=dispatch.pk)
    Reply.objects.filter(pk=reply.pk).update(state=ReplyState.DONE, done_at=now, assigned_to=by)
    audit.record(action="reply.answered", subject=f"delivery.reply:{reply.pk}", by=by, now=now, ordinal=ordinal)
    return ReplyAnswer.objects.create(reply=reply, dispatch_id=dispatch.pk, by=by, at=now)


def _sealed_phone(reply: Reply) -> SealedPhone:
    """The phone of a reply; replies kept by earlier releases borrow that of the message they answered."""
    cipher = reply.phone_cipher
    if cipher is None:
        message = Message.objects.filter(phone_hash=reply.phone_hash).order_by("-id").first()
        cipher = message.phone_cipher if message is not None else None
    if not cipher:
        raise DomainError(_("The phone of this reply was not kept."))
    return seal(open_phone(bytes(cipher)))


def _message(reply: Reply, sealed: SealedPhone, version: TemplateVersion, text: str) -> NewMessage:
    member = Member.objects.filter(phone_hash=reply.phone_hash).order_by("id").first()
    params = {"name": member.name if member is not None else "", "answer": text}
    return NewMessage(
        dedupe_key=sealed.hash, variant="A", template_version_id=version.pk,
        params={key: value for key, value in params.items() if value},
        member_id=member.pk if member is not None else None, phone_hash=sealed.hash, phone_cipher=sealed.cipher,
        phone_tail=sealed.tail, carrier=lot_carrier(sealed.carrier),
        is_demo=member.is_demo if member is not None else False, fingerprint=version.fingerprint,
    )  # fmt: skip
