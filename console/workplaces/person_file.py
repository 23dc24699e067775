"""All that is kept of one person, as they may have it: a file for reading and the same for machines."""

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.template.loader import render_to_string
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from console.workplaces.person import Person
from console.workplaces.timeline import STATES, Facts, facts_of, shown, what_of
from coupons.rules.code import mask_code
from delivery.queries.reasons import reason_word
from foundation.money import format_fen
from members.models import ImportChange, Member, Order

ALL = 100_000  # of each kind: nobody has as many
EVER = timedelta(days=36_500)
SEALED = {"id", "phone_hash", "phone_cipher", "home_store_id", "erased_at"}


@dataclass(frozen=True)
class Section:
    """Rows of one kind. `fields` are names for machines and for people."""

    name: str
    title: str
    fields: Sequence[tuple[str, str]]
    rows: Sequence[Sequence[Any]]

    def as_json(self) -> list[dict[str, Any]]:
        """The rows for machines."""
        names = [name for name, _label in self.fields]
        return [dict(zip(names, map(_plain, row), strict=True)) for row in self.rows]

    @property
    def lines(self) -> list[list[str]]:
        """The rows for people."""
        return [[shown(one) if isinstance(one, datetime) else str(one if one is not None else "") for one in row]
                for row in self.rows]  # fmt: skip


def archive(person: Person, *, number: str, now: datetime) -> bytes:
    """
    A ZIP with the whole of it twice: as a page to read and as JSON.

    Codes and links of coupons are covered: whoever holds the file could use them. `number` is the whole phone, or
    empty where only its end is handed out.
    """
    facts = facts_of(person, now=now, limit=ALL, period=EVER, with_names=True)
    sections = sections_of(facts, number=number)
    whole = {"made_at": now.isoformat(), **{one.name: one.as_json() for one in sections}}
    html = render_to_string("console/person_file.html", {"sections": sections, "now": now})
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("person.html", html)
        file.writestr("person.json", json.dumps(whole, ensure_ascii=False, indent=1))
    return buffer.getvalue()


def sections_of(facts: Facts, *, number: str) -> list[Section]:
    """Everything, kind by kind."""
    members = facts.person.members
    return [
        _members(members, number or facts.person.masked), _orders(members), _consents(facts), _suppressions(facts),
        _messages(facts), _left_out(facts), _replies(facts), _coupons(facts), _redemptions(facts), _imports(members),
    ]  # fmt: skip


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return localtime(value).isoformat()
    return value.isoformat() if isinstance(value, date) else value if isinstance(value, int | None) else str(value)


def _members(members: Sequence[Member], phone: str) -> Section:
    columns = [one for one in Member._meta.concrete_fields if one.attname not in SEALED and one.name != "phone_tail"]
    fields = [
        ("phone", _("Phone")),
        ("home_store", _("home store")),
        *((one.name, str(one.verbose_name)) for one in columns),
    ]
    rows = [
        [phone, str(member.home_store or ""), *(_shown_value(member, one) for one in columns)] for member in members
    ]
    return Section("members", _("Membership"), fields, rows)


def _shown_value(member: Member, field: Any) -> Any:
    value = getattr(member, field.attname)
    return getattr(member, f"get_{field.name}_display")() if field.choices else value


def _orders(members: Sequence[Member]) -> Section:
    fields = [("order_no", _("Order")), ("paid_at", _("Paid at")), ("store", _("store")), ("yuan", _("Amount in yuan")),
              ("articles", _("Articles"))]  # fmt: skip
    orders = Order.objects.filter(member__in=members).select_related("store").prefetch_related("lines")
    rows = [
        [one.order_no, one.paid_at, str(one.store or ""), format_fen(one.amount_fen),
         _(", ").join(line.product or line.sku for line in one.lines.all())]
        for one in orders.order_by("-paid_at")
    ]  # fmt: skip
    return Section("orders", _("Purchases"), fields, rows)


def _consents(facts: Facts) -> Section:
    fields = [("at", _("Time")), ("consent", _("Consent")), ("source", _("By")), ("proof", _("Proof")),
              ("reason", _("Reason"))]  # fmt: skip
    rows = [
        [one.at, one.get_consent_display(), one.get_source_display(), one.proof, one.reason] for one in facts.consents
    ]
    return Section("consents", _("Consent and opt-out"), fields, rows)


def _suppressions(facts: Facts) -> Section:
    fields = [("since", _("Since")), ("kind", _("Kind")), ("until", _("Until")), ("note", _("Note"))]
    rows = [[one.since, one.get_kind_display(), one.until, one.note] for one in facts.suppressions]
    return Section("suppressions", _("Suppression list"), fields, rows)


def _messages(facts: Facts) -> Section:
    fields = [("at", _("Time")), ("state", _("State")), ("reason", _("Reason")), ("from", _("From")),
              ("channel", _("Channel")), ("parts", _("Parts")), ("text", _("Words"))]  # fmt: skip
    rows = []
    for one in facts.sent:
        message = one.message
        reason = str(reason_word(message.reason, facts.codes)) if message.reason else ""
        at = message.submitted_at or message.not_before
        rows.append([at, str(STATES[message.state]), reason, what_of(one, facts), one.channel, message.parts,
                     one.text])  # fmt: skip
    return Section("messages", _("Messages, sent and not sent"), fields, rows)


def _left_out(facts: Facts) -> Section:
    fields = [("at", _("Time")), ("campaign", _("Campaign")), ("reason", _("Reason"))]
    rows = [[one.at, one.campaign, str(one.reason)] for one in facts.left_out]
    return Section("left_out", _("Left out of campaigns"), fields, rows)


def _replies(facts: Facts) -> Section:
    fields = [("at", _("Time")), ("state", _("State")), ("text", _("Words"))]
    rows = [[one.received_at, one.get_state_display(), one.text] for one in facts.replies]
    return Section("replies", _("Replies"), fields, rows)


def _coupons(facts: Facts) -> Section:
    fields = [("coupon", _("Coupon")), ("code", _("Code")), ("state", _("State")), ("issued_at", _("Issued at")),
              ("valid_until", _("Valid until")), ("opened_at", _("First opened at"))]  # fmt: skip
    rows = [
        [one.terms.title, mask_code(one.code), one.get_state_display(), one.issued_at, one.valid_until,
         one.first_viewed_at]
        for one in facts.coupons
    ]  # fmt: skip
    return Section("coupons", _("Coupons"), fields, rows)


def _redemptions(facts: Facts) -> Section:
    fields = [("at", _("Time")), ("coupon", _("Coupon")), ("store", _("store")), ("receipt_no", _("Receipt number")),
              ("ticket_yuan", _("Ticket (yuan)")), ("saved_yuan", _("Saved (yuan)")),
              ("state", _("State"))]  # fmt: skip
    rows = [
        [use.redeemed_at, one.terms.title, str(use.store), use.receipt_no,
         format_fen(use.ticket_fen) if use.ticket_fen else "", format_fen(use.discount_fen), use.get_state_display()]
        for one in facts.coupons for use in one.redemptions.all()
    ]  # fmt: skip
    return Section("redemptions", _("Redemptions"), fields, rows)


def _imports(members: Sequence[Member]) -> Section:
    fields = [("at", _("Time")), ("file", _("File")), ("changed", _("Changed"))]
    rows = [
        [one.import_file.received_at, one.import_file.name, _changed(one)]
        for one in ImportChange.objects.filter(member__in=members).select_related("import_file").order_by("-id")
    ]
    return Section("imports", _("Files that changed the membership"), fields, rows)


def _changed(one: ImportChange) -> str:
    if one.before is None:
        return _("new")
    return _(", ").join(f"{name}: {was} → {(one.after or {}).get(name)}" for name, was in one.before.items()
                        if name not in SEALED)  # fmt: skip
