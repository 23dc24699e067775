"""
An answer of services.redeem as a till shows it; one place for the page with and without JavaScript.

Numbers come from the answer and are never computed twice.
"""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from coupons.models import InputChannel
from coupons.rules.eligibility import Refusal
from coupons.rules.reason_texts import REASON_TEXTS
from coupons.serializers import words

FACTS_CLASS = {Refusal.MIN_SPEND: "v-facts--amount", Refusal.NOT_FOUND: "v-facts--code"}
CONFIRM_ABOVE_FEN = 2_000  # from here on a clerk looks before it counts

Shown = dict[str, Any]
Fact = tuple[str, str]


def show(answer: dict[str, Any], *, zone: str, now: datetime) -> Shown:
    """What the page shows of a preview or a verdict, in the reader's language."""
    place = ZoneInfo(zone)
    if answer["verdict"] == "OPEN":
        return _open(answer, zone=place, now=now)
    if answer["verdict"] == "REDEEMED":
        return _redeemed(answer)
    return _refused(answer, zone=place, now=now)


def word_class(word: str) -> str:
    """Letters as large as the word allows: the sheet knows four sizes."""
    if not words.is_chinese():
        return "v-word--en"
    return "v-word--5" if len(word) > 4 else ""


def kind_name(kind: str) -> str:
    """What sort of coupon it is."""
    return {"CASH": _("Cash coupon"), "DISCOUNT": _("Discount coupon"), "EXCHANGE": _("Exchange coupon")}[kind]


def _open(answer: dict[str, Any], *, zone: ZoneInfo, now: datetime) -> Shown:
    saving, is_gift = answer["saving_fen"], answer["kind"] == "EXCHANGE"
    return {
        "tone": "open",
        "kind": _("%(kind)s · not redeemed yet") % {"kind": kind_name(answer["kind"])},
        "name": answer["title"],
        "save_label": pgettext("verdict", "hand over") if is_gift else pgettext("verdict", "saves"),
        "save": answer["gift_name"] if is_gift else _saving(answer),
        "member": _member(answer),
        "conditions": _conditions(answer, zone=zone, now=now),
        "needs_amount": answer["requires_amount"],
        "needs_look": answer["requires_amount"] or is_gift or saving >= CONFIRM_ABOVE_FEN,
    }


def _saving(answer: dict[str, Any]) -> str:
    """The saving; a share of a ticket nobody entered yet is named as a share."""
    if answer["kind"] == "DISCOUNT" and not answer["saving_fen"]:
        return words.share(answer["percent_off_bp"])
    return words.yuan(answer["saving_fen"])


def _member(answer: dict[str, Any]) -> str:
    return _("Member ending %(tail)s") % {"tail": answer["phone_tail"]} if answer["phone_tail"] else ""


def _conditions(answer: dict[str, Any], *, zone: ZoneInfo, now: datetime) -> list[Fact]:
    until = datetime.fromisoformat(answer["valid_until"])
    last = words.last_instant(until, zone)
    left = words.days_left(until, now=now, zone=zone)
    end = _("until %(end)s, %(left)s") % {"end": f"{words.day(last)} {last:%H:%M}", "left": left}
    rows = [
        (_("Within its dates"), end),
        (_("This store may take it"), ""),
    ]
    if answer["min_spend_fen"]:
        needed = _("From %(amount)s") % {"amount": words.yuan(answer["min_spend_fen"])}
        rows.append((needed, "" if answer["requires_amount"] else _("Please check the receipt")))
    if answer["kind"] == "DISCOUNT" and answer["cap_fen"]:
        rows.append((_("At most %(amount)s off") % {"amount": words.yuan(answer["cap_fen"])}, ""))
    return rows


def _redeemed(answer: dict[str, Any]) -> Shown:
    is_gift = answer["kind"] == "EXCHANGE"
    number = _("No. …%(tail)s") % {"tail": answer["redemption_no"][-6:]}
    word = pgettext("verdict", "Redeemed")
    return {
        "tone": "ok",
        "word": word,
        "word_class": word_class(word),
        "save_label": pgettext("verdict", "Hand over") if is_gift else pgettext("verdict", "Take off"),
        "sign": "" if is_gift else "¥",
        "save": answer["gift_name"] if is_gift else words.yuan(answer["saving_fen"])[1:],
        "save_class": _save_class(answer["saving_fen"], is_gift=is_gift),
        "name": answer["title"],
        "meta": [text for text in (_member(answer), number) if text],
        "note": _("Just redeemed on this device, counted once") if answer["repeat"] else "",
        "redemption_no": answer["redemption_no"],
        "undo_until": answer["undo_until"],
    }


def _save_class(saving_fen: int, *, is_gift: bool) -> str:
    if is_gift:
        return "v-save--gift"
    return "v-save--long" if saving_fen >= 100_000 else ""


def _refused(answer: dict[str, Any], *, zone: ZoneInfo, now: datetime) -> Shown:
    reason, facts = Refusal(answer["reason"]), answer["facts"]
    text = REASON_TEXTS[reason]
    figures = _figures(facts, zone=zone, now=now)
    word, next_step = pgettext("verdict", text.word), _(text.step_for(figures)) % figures
    if reason == Refusal.MIN_SPEND and "missing" not in figures:
        word = pgettext("verdict", "Amount needed")
    return {
        "tone": "bad" if text.tone == "STOP" else "warn",
        "word": word,
        "word_class": word_class(word),
        "name": facts.get("title", ""),
        "sub": _("Written correctly, but not in the system") if reason == Refusal.NOT_FOUND else "",
        "facts": _facts(reason, facts, zone=zone, now=now),
        "facts_class": FACTS_CLASS.get(reason, ""),
        "next": next_step,
        "may_change_amount": reason == Refusal.MIN_SPEND,
    }


def _figures(facts: dict[str, Any], *, zone: ZoneInfo, now: datetime) -> dict[str, str]:
    """What the next step may name, as the reader writes it; only what the answer brings."""
    figures = {
        name: str(facts[name]) for name in ("hours", "goods", "limit", "seconds", "minutes") if facts.get(name)
    }  # fmt: skip
    if facts.get("ticket_fen") is not None:
        figures["missing"] = words.yuan(facts["missing_fen"])[1:]
    if "valid_from" in facts:
        figures["start"] = _instant(facts["valid_from"], zone=zone, now=now)
    return figures


def _instant(text: str, *, zone: ZoneInfo, now: datetime) -> str:
    return words.moment(datetime.fromisoformat(text), now=now, zone=zone)


def _facts(reason: Refusal, facts: dict[str, Any], *, zone: ZoneInfo, now: datetime) -> list[Fact]:
    rows: list[Fact] = []
    if reason == Refusal.ALREADY_REDEEMED and "redeemed_at" in facts:
        return _facts_of_use(facts, zone=zone, now=now)
    if reason == Refusal.NOT_FOUND:
        return _facts_of_input(facts)
    if "title" in facts:
        rows.append((pgettext("verdict", "Coupon"), facts["title"]))
    if reason == Refusal.EXPIRED:
        until = datetime.fromisoformat(facts["valid_until"])
        last = words.last_instant(until, zone)
        rows.append((pgettext("verdict", "Ended"), f"{words.day(last)} {last:%H:%M}"))
        rows.append((pgettext("verdict", "Since"), words.span(int((now - until).total_seconds()))))
    if reason == Refusal.NOT_YET_VALID:
        rows.append((pgettext("verdict", "From"), _instant(facts["valid_from"], zone=zone, now=now)))
    if reason == Refusal.WRONG_STORE:
        rows.append((pgettext("verdict", "Stores"), "\n".join(facts.get("stores", []))))
    if reason == Refusal.MIN_SPEND and facts["ticket_fen"] is not None:
        return _facts_of_amount(facts)
    return rows


def _facts_of_use(facts: dict[str, Any], *, zone: ZoneInfo, now: datetime) -> list[Fact]:
    ago = _("%(span)s ago") % {"span": words.span(facts["seconds_ago"])}
    where = _("this device") if facts["here"] else ""
    return [
        (pgettext("verdict", "When"), f"{_instant(facts['redeemed_at'], zone=zone, now=now)}\n{ago}"),
        (pgettext("verdict", "Store"), " · ".join(text for text in (facts["store"], where) if text)),
        (pgettext("verdict", "By"), facts["clerk"]),
        (pgettext("verdict", "No."), f"…{facts['redemption_no'][-6:]}"),
    ]


def _facts_of_input(facts: dict[str, Any]) -> list[Fact]:
    rows = [(pgettext("verdict", "Code"), facts.get("input", ""))]
    if "input_channel" in facts:
        rows.append((pgettext("verdict", "Came in"), str(InputChannel(facts["input_channel"]).label)))
    return rows


def _facts_of_amount(facts: dict[str, Any]) -> list[Fact]:
    return [
        (pgettext("verdict", "Needed"), words.yuan(facts["min_spend_fen"])),
        (pgettext("verdict", "This ticket"), words.yuan(facts["ticket_fen"])),
        (pgettext("verdict", "Missing"), words.yuan(facts["missing_fen"])),
    ]
