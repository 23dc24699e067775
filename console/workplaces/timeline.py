"""Everything that happened between one phone and us, in one line of time; and what it says about a complaint."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.queries.person import LeftOut, campaign_names, left_out_of
from console.workplaces.person import Person
from coupons.models import Coupon, Redemption
from coupons.rules.code import mask_code
from delivery.models import Message, MessageState, ReceiptCode, Reply
from delivery.queries.person import Sent, messages_to
from delivery.queries.reasons import reason_word, receipt_codes
from foundation.money import format_cost, format_fen, format_price
from members.models import Consent, ConsentEvent, PhoneGate, Suppression
from templates_sms.models import Tier

LIMIT = 200
PERIOD = timedelta(days=90)
# What was with a channel already when the opt-out arrived: its answer may be written down a moment later.
UNDER_WAY = timedelta(seconds=60)
STATES = dict(MessageState.choices)
TONES = {
    MessageState.DELIVERED: "ok", MessageState.ACCEPTED: "ac", MessageState.UNDELIVERED: "bad",
    MessageState.REFUSED: "bad", MessageState.UNSURE: "warn", MessageState.UNREPORTED: "warn",
}  # fmt: skip
NOT_SENT = (MessageState.EXCLUDED, MessageState.EXPIRED, MessageState.CANCELLED)
FAILED = (MessageState.UNDELIVERED, MessageState.REFUSED)


@dataclass(frozen=True)
class Happening:
    """One line: `kinds` are the tabs that show it, `tone` its dot, `quote` the words that were read."""

    at: datetime
    title: str
    kinds: str
    tone: str = ""
    tag: str = ""
    lines: list[str] = field(default_factory=list)
    quote: str = ""


@dataclass(frozen=True)
class Verdict:
    """What can be answered to a complaint. `tone`: ok, warn, bad."""

    tone: str
    headline: str
    detail: str


@dataclass(frozen=True)
class Facts:
    """What the ledgers hold of one phone, newest first."""

    person: Person
    gate: PhoneGate | None
    consents: list[ConsentEvent]
    suppressions: list[Suppression]
    sent: list[Sent]
    left_out: list[LeftOut]
    replies: list[Reply]
    coupons: list[Coupon]
    names: dict[str, str]
    codes: dict[str, ReceiptCode]

    @property
    def marketing(self) -> list[Message]:
        """Marketing that was handed over."""
        return [one.message for one in self.sent if one.message.tier == Tier.MARKETING and one.message.submitted_at]


def facts_of(
    person: Person, *, now: datetime, limit: int = LIMIT, period: timedelta = PERIOD, with_names: bool = False
) -> Facts:
    """Read the ledgers for one phone; the number of queries does not depend on what is found."""
    member_ids = [one.pk for one in person.members]
    phone = {"phone_hash": person.phone_hash}
    sent = messages_to(limit=limit, with_names=with_names, **phone)
    coupons = Coupon.objects.filter(member_id__in=member_ids).select_related("terms", "batch")
    return Facts(
        person=person,
        gate=PhoneGate.objects.filter(**phone).first(),
        consents=list(ConsentEvent.objects.filter(**phone).select_related("by").order_by("-id")[:limit]),
        suppressions=list(Suppression.objects.filter(**phone).order_by("-id")),
        sent=sent,
        left_out=left_out_of(member_ids=member_ids, since=now - period),
        replies=list(Reply.objects.filter(**phone).order_by("-id")[:limit]),
        coupons=list(coupons.prefetch_related("redemptions__store", "redemptions__reversal").order_by("-id")[:limit]),
        names=campaign_names(sources={one.source for one in sent}),
        codes=receipt_codes(),
    )


def verdict_of(facts: Facts) -> Verdict:
    """The sentence with which a complaint can be answered, from the ledgers alone."""
    if facts.gate is not None and facts.gate.consent == Consent.OPTED_OUT:
        return _after_opt_out(facts, facts.gate.changed_at)
    sent = facts.marketing
    if not (facts.sent or facts.person.members or facts.consents):
        listed = _("It is on the suppression list.") if facts.suppressions else _("Nor is it on the suppression list.")
        return Verdict("ok", _("No such member, and nothing was ever sent"), listed)
    if not sent:
        return Verdict("ok", _("No marketing was ever sent"), _consent_words(facts))
    granted = min((one.at for one in facts.consents if one.consent == Consent.GRANTED), default=None)
    first = min(one.submitted_at for one in sent if one.submitted_at)
    if granted is None or granted > first:
        return Verdict("bad", _("Marketing was sent before there was consent"), _consent_words(facts))
    return Verdict("ok", _("Consent came before the first marketing message"), _consent_words(facts))


def _after_opt_out(facts: Facts, since: datetime) -> Verdict:
    late = [one for one in facts.marketing if one.submitted_at and one.submitted_at > since]
    broken = sum(one.submitted_at > since + UNDER_WAY for one in late if one.submitted_at)
    held = sum(one.message.reason == "OPTED_OUT" for one in facts.sent)
    other = sum(
        one.message.tier != Tier.MARKETING and (one.message.submitted_at or since) > since for one in facts.sent
    )
    detail = _("Opted out %(at)s. After that: %(marketing)s marketing, %(held)s held back, %(other)s other.") % {
        "at": shown(since), "marketing": len(late), "held": held, "other": other,
    }  # fmt: skip
    if broken:
        return Verdict("bad", _("Marketing was sent after the opt-out"), detail)
    if late:
        detail += " " + _("What went out within a minute was with the channel already.")
    return Verdict("ok", _("No marketing was sent after the opt-out"), detail)


def _consent_words(facts: Facts) -> str:
    granted = [one for one in facts.consents if one.consent == Consent.GRANTED]
    if not granted:
        return _("There is no consent on record.")
    last = granted[0]
    return _("Consent of %(at)s: %(source)s, %(proof)s.") % {
        "at": shown(last.at), "source": last.get_source_display(), "proof": last.proof,
    }  # fmt: skip


def shown(at: datetime) -> str:
    """An instant to the second in Shanghai."""
    return date_format(localtime(at), "Y-m-d H:i:s")


def happenings(facts: Facts) -> list[Happening]:
    """The line of time, newest first."""
    found = [
        *(_message(one, facts) for one in facts.sent), *map(_left_out, facts.left_out),
        *map(_reply, facts.replies), *map(_consent, facts.consents), *map(_suppression, facts.suppressions),
        *(line for one in facts.coupons for line in _coupon(one)),
    ]  # fmt: skip
    return sorted(found, key=lambda one: one.at, reverse=True)


def _message(sent: Sent, facts: Facts) -> Happening:
    one = sent.message
    what = what_of(sent, facts)
    kind = "marketing" if one.tier == Tier.MARKETING else "service"
    reason = str(reason_word(one.reason, facts.codes)) if one.reason else ""
    if one.state in NOT_SENT:
        at, title = one.done_at or one.not_before, _("%(what)s · not sent") % {"what": what}
        return Happening(at, title, f"{kind} unsent", tag=reason or str(STATES[one.state]))
    title = f"{what} · {STATES[one.state]}"
    tag = "" if one.tier == Tier.MARKETING else str(one.get_tier_display())
    lines = [_handed_over(sent), *_approved(sent), *([reason] if reason else [])]
    return Happening(one.submitted_at or one.not_before, title, kind, TONES.get(MessageState(one.state), ""), tag,
                     [line for line in lines if line], sent.text)  # fmt: skip


def what_of(sent: Sent, facts: Facts) -> str:
    """The campaign of a message, else its text's name, else its tier."""
    text = sent.version.template.name if sent.version else str(sent.message.get_tier_display())
    return facts.names.get(sent.source) or text


def _handed_over(sent: Sent) -> str:
    one = sent.message
    if one.submitted_at is None:
        return _("planned for %(at)s") % {"at": shown(one.not_before)}
    said = [sent.channel] if sent.channel else []
    if one.done_at is not None:
        said.append(_("receipt %(at)s") % {"at": date_format(localtime(one.done_at), "H:i:s")})
    said.append(ngettext("%(count)s part", "%(count)s parts", one.parts) % {"count": one.parts})
    price = format_price(one.cost) if one.parts == 1 else format_cost(one.cost)
    return " · ".join([*said, _("%(yuan)s yuan") % {"yuan": price}])


def _approved(sent: Sent) -> list[str]:
    version = sent.version
    if version is None:
        return []
    facts = {"number": version.number, "who": version.approved_by, "at": shown(version.approved_at)}
    return [_("Text v%(number)s, approved by %(who)s %(at)s") % facts]


def _left_out(one: LeftOut) -> Happening:
    title = _("%(what)s · not sent") % {"what": one.campaign}
    return Happening(one.at, title, "marketing unsent", tag=str(one.reason))


def _reply(one: Reply) -> Happening:
    title = _("Replied: %(what)s") % {"what": one.get_state_display()}
    return Happening(one.received_at, title, "consent", "ac", quote=one.text)


def _consent(one: ConsentEvent) -> Happening:
    tone = {Consent.GRANTED: "ok", Consent.OPTED_OUT: "bad"}.get(Consent(one.consent), "")
    lines = [f"{one.get_source_display()} · {one.proof}", *([str(one.by)] if one.by else [])]
    return Happening(one.at, str(one.get_consent_display()), "consent", tone, lines=lines, quote=one.reason)


def _suppression(one: Suppression) -> Happening:
    until = _("until %(day)s") % {"day": date_format(localtime(one.until), "Y-m-d")} if one.until else _("for good")
    return Happening(one.since, str(one.get_kind_display()), "consent", "bad", tag=until, quote=one.note)


def _coupon(one: Coupon) -> list[Happening]:
    name = one.terms.title
    lines = [_("code %(code)s, until %(at)s") % {"code": mask_code(one.code), "at": shown(one.valid_until)}]
    found = [Happening(one.issued_at, _("Coupon issued: %(what)s") % {"what": name}, "coupon", lines=lines)]
    if one.first_viewed_at is not None:
        found.append(Happening(one.first_viewed_at, _("Coupon opened: %(what)s") % {"what": name}, "coupon", "ac"))
    if one.voided_at is not None:
        found.append(Happening(one.voided_at, _("Coupon void: %(what)s") % {"what": name}, "coupon", "bad"))
    return found + [line for use in one.redemptions.all() for line in _use(use, name)]


def _use(use: Redemption, name: str) -> list[Happening]:
    ticket = [_("receipt %(yuan)s yuan") % {"yuan": format_fen(use.ticket_fen)}] if use.ticket_fen else []
    saved = _("%(yuan)s yuan off") % {"yuan": format_fen(use.discount_fen)}
    title, lines = _("Coupon redeemed: %(what)s") % {"what": name}, [" · ".join([str(use.store), *ticket, saved])]
    found = [Happening(use.redeemed_at, title, "coupon", "ok", lines=lines)]
    if use.state == "REVERSED":
        undo = use.reversal
        again = _("Redemption undone: %(what)s") % {"what": name}
        found.append(Happening(undo.reversed_at, again, "coupon", "warn", lines=[str(undo.get_reason_display())]))
    return found


def tally(facts: Facts, *, now: datetime) -> dict[str, int]:
    """What was planned for the phone in ninety days: all of it, and as what it ended."""
    states = Counter(one.message.state for one in facts.sent if one.message.not_before >= now - PERIOD)
    unsent = sum(states[one] for one in NOT_SENT) + len(facts.left_out)
    delivered, failed = states[MessageState.DELIVERED], sum(states[one] for one in FAILED)
    planned = sum(states.values()) + len(facts.left_out)
    return {"planned": planned, "delivered": delivered, "failed": failed, "unsent": unsent,
            "open": planned - delivered - failed - unsent}  # fmt: skip


def unsent_reasons(facts: Facts) -> list[tuple[str, int]]:
    """Why nothing was sent, with how often; the most frequent first."""
    counted = Counter(str(one.reason) for one in facts.left_out)
    for one in facts.sent:
        if one.message.state in NOT_SENT:
            reason = one.message.reason
            counted[str(reason_word(reason, facts.codes)) if reason else str(STATES[one.message.state])] += 1
    return counted.most_common()
