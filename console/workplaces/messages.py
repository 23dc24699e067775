"""Message search: one person, and everything that happened between their phone and us."""

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from console.workplaces import person as people
from console.workplaces.base import attempt, need, page, workplace
from console.workplaces.person import NobodyFound, Person
from console.workplaces.timeline import facts_of, happenings, shown, tally, unsent_reasons, verdict_of
from foundation import clock
from foundation.admin_mixins import operator_of
from foundation.models import AuditEntry
from foundation.services import audit
from foundation.services.phones import reveal
from foundation.spreadsheet import BOM, csv_line
from members.models import Consent, ConsentSource, Member
from members.services.consent import opt_out

LONGEST_SEARCH = 64
RECENT = 10
TABS = (
    ("all", gettext_lazy("All")), ("marketing", gettext_lazy("Marketing")),
    ("service", gettext_lazy("Codes and notices")), ("coupon", gettext_lazy("Coupons")),
    ("unsent", gettext_lazy("Not sent")),
)  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@workplace("delivery.view_message")
def messages(request: HttpRequest) -> HttpResponse:
    """
    The timeline of one person. What was typed comes by POST, so that it stands in no address and no log.

    Every search, every look at the number and every export leaves an audit entry without the number.
    """
    if request.method != "POST":
        return _empty(request)
    try:
        person = _person(request)
    except NobodyFound as refusal:
        return _empty(request, error=str(refusal), status=400, typed=request.POST.get("phone", "")[:LONGEST_SEARCH])
    if "opt_out" in request.POST:
        _opt_out(request, person)
    if "export" in request.POST:
        return _export(request, person)
    now = clock.now()
    facts = facts_of(person, now=now)
    return page(
        request, "messages", _("Message search"), person=person, facts=facts, verdict=verdict_of(facts),
        happenings=happenings(facts), tally=tally(facts, now=now), unsent=unsent_reasons(facts),
        is_granted=facts.gate is not None and facts.gate.consent == Consent.GRANTED,
        number=_revealed(request, person), can_reveal=_can_reveal(request, person), tabs=TABS,
    )  # fmt: skip


def _empty(request: HttpRequest, *, error: str = "", typed: str = "", status: int = 200) -> HttpResponse:
    told = {"error": error, "typed": typed, "recent": _recent(request)}
    return page(request, "messages", _("Message search"), status=status, **told)


def _person(request: HttpRequest) -> Person:
    token = request.POST.get("person", "")
    if token:
        return people.of_token(token)
    person = people.find(request.POST.get("phone", "")[:LONGEST_SEARCH])
    _note(request, "phone.searched", person)
    return person


def _note(request: HttpRequest, action: str, person: Person) -> None:
    audit.record(
        action=action, subject="members.phone", by=operator_of(request), now=clock.now(),
        member_ids=[one.pk for one in person.members],
    )  # fmt: skip


def _recent(request: HttpRequest) -> list[tuple[AuditEntry, Member | None]]:
    """The last searches of this operator; who it was is known only where it was a member."""
    rows: QuerySet[AuditEntry] = AuditEntry.objects.filter(action="phone.searched", actor=operator_of(request))
    found = list(rows.order_by("-id")[:RECENT])
    first = [(one.detail.get("member_ids") or [0])[0] for one in found]
    members = Member.objects.in_bulk(set(first))
    return [(one, members.get(pk)) for one, pk in zip(found, first, strict=True)]


def _opt_out(request: HttpRequest, person: Person) -> None:
    need(request, "members.add_suppression")
    by = operator_of(request)
    attempt(
        request, _("No more marketing goes to this phone."), opt_out, phone_hash=person.phone_hash,
        source=ConsentSource.OPERATOR, proof=f"operator:{by.pk}", now=clock.now(), by=by,
    )  # fmt: skip


def _can_reveal(request: HttpRequest, person: Person) -> bool:
    return person.cipher is not None and request.user.has_perm("members.reveal_phone")


def _revealed(request: HttpRequest, person: Person) -> str:
    """The whole number, once, for whoever asked for it and may."""
    if "reveal" not in request.POST or person.cipher is None:
        return ""
    need(request, "members.reveal_phone")
    return reveal(cipher=person.cipher, subject="members.phone", by=operator_of(request), now=clock.now())


def _export(request: HttpRequest, person: Person) -> HttpResponse:
    """One person's sheet for whoever complained, or for the carrier that passed it on."""
    facts = facts_of(person, now=clock.now())
    verdict = verdict_of(facts)
    response = HttpResponse(
        content_type="text/csv; charset=utf-8", headers={"Content-Disposition": 'attachment; filename="person.csv"'}
    )
    response.write(BOM + csv_line([person.masked, verdict.headline, verdict.detail]))
    response.write(csv_line([_("Time"), _("What happened"), _("Details"), _("Words")]))
    for one in happenings(facts):
        details = " · ".join(filter(None, [one.tag, *one.lines]))
        response.write(csv_line([shown(one.at), one.title, details, one.quote]))
    _note(request, "phone.exported", person)
    return response
