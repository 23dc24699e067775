"""Segments: the list, and the page on which one is built."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from campaigns.models import Campaign, CampaignState
from console.workplaces.base import need, page, workplace
from console.workplaces.segment_draft import Focus, Group, edit, read
from console.workplaces.segment_form import Judged, draft_of, judge, take
from console.workplaces.segment_look import Look, look_at
from console.workplaces.segment_rows import Drawing, Row, field_names, flat, settle
from console.workplaces.segment_starters import STARTERS, draft_for
from console.workplaces.segment_why import why
from foundation import clock
from foundation.admin_mixins import operator_of
from members.models import Segment
from members.queries import segment as segments_query
from members.services.segments import save_segment

PERMISSION = "members.view_segment"
EDIT = "members.add_segment"
ASK = "members.view_member"
LATEST = 200
OVER = (CampaignState.FINISHED, CampaignState.STOPPED)


class NameForm(forms.Form):
    """What a segment is called."""

    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=80,
        error_messages={"required": gettext_lazy("Give the segment a name to save it.")},
    )  # fmt: skip


@dataclass
class Desk:
    """One segment being looked at: the saved row if there is one, the draft on the page, and what came of it."""

    row: Segment | None
    draft: Group
    form: NameForm
    focus: Focus | None = None
    draw: int = 0
    person: str = ""
    answers: Any = None


@require_safe
@workplace(PERMISSION)
def segments(request: HttpRequest) -> HttpResponse:
    """All segments with their sentence, and how many campaigns use each."""
    found = list(Segment.objects.select_related("created_by").order_by("-changed_at", "-id")[:LATEST])
    used = _used_by([one.pk for one in found])
    language = get_language() or "zh-hans"
    rows = [(one, segments_query.sentence(one.rule, language), used.get(one.pk, 0)) for one in found]
    return page(request, "segments", _("Segments"), segments=rows, starters=STARTERS)


def _used_by(ids: list[int]) -> dict[int, int]:
    """Campaigns that are not over, by segment."""
    open_ones = Campaign.objects.filter(segment_id__in=ids).exclude(state__in=OVER)
    return dict(open_ones.order_by().values_list("segment_id").annotate(count=Count("id")))


@require_http_methods(["GET", "HEAD", "POST"])
@workplace(PERMISSION)
def segment(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """
    Build or change a segment. Every button posts the whole tree and gets the page with what came of it.

    Fragments instead of the page go to htmx: the rules when they were rearranged, else the figures.
    """
    row = get_object_or_404(Segment, pk=pk) if pk else None
    if request.method != "POST":
        if row is None:
            need(request, EDIT)
        draft = _saved(row) if row else draft_for(request.GET.get("start", ""))
        return _page(request, Desk(row, draft, NameForm(initial={"name": row.name if row else ""})))
    return _posted(request, row)


def _saved(row: Segment) -> Group:
    return draft_of(row.rule, segments_query.catalogue())


def _posted(request: HttpRequest, row: Segment | None) -> HttpResponse:
    asks = bool(request.POST.get("person", "").strip())
    may_edit = request.user.has_perm(EDIT)
    need(request, ASK if asks and not may_edit and row is not None else EDIT)
    draft = read(request.POST.lists()) if may_edit or row is None else _saved(row)
    desk = Desk(row, draft, NameForm(request.POST), draw=_draw(request))
    settle(draft)
    if "do" in request.POST:
        desk.focus = _edited(draft, request.POST["do"][:40])
        settle(draft)
    is_fragment = bool(request.headers.get("HX-Request"))
    if is_fragment and "do" in request.POST:
        return _rules(request, desk)
    if asks and ("why" in request.POST or not is_fragment):
        need(request, ASK)
        _ask(request, desk)
        if is_fragment:
            return render(request, "console/_segment_why.html", {"desk": desk})
    if is_fragment:
        return _figures(request, desk)
    saved = _save(request, desk) if "save" in request.POST or "save_as" in request.POST else None
    return redirect("segment", pk=saved.pk) if saved else _page(request, desk)


def _draw(request: HttpRequest) -> int:
    text = request.POST.get("draw", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else 0


def _edited(draft: Group, command: str) -> Focus | None:
    """Carry out a button of the rules; returns what gets the keyboard."""
    act, _dot, place = command.partition(".")
    if act != "take":
        return edit(draft, command)
    rows = flat(Drawing(Judged(None, {}), None, None).row(draft))
    row = next((one for one in rows if one.place == f".{place}"), None)
    if row is None:
        return None
    take(draft, row.path, [option.value for option in row.hits])
    return row.path, "find"


def _ask(request: HttpRequest, desk: Desk) -> None:
    """Judge the person asked for by the rules as they stand, when they can be used."""
    desk.person = request.POST["person"].strip()[:40]
    tree = judge(desk.draft, segments_query.catalogue()).tree
    if tree is not None:
        subject = f"members.segment:{desk.row.pk if desk.row else 'new'}"
        desk.answers = why(text=desk.person, tree=tree, subject=subject, by=operator_of(request), now=clock.now())


def _save(request: HttpRequest, desk: Desk) -> Segment | None:
    """The saved row; None when name or rules don't allow it, and the page says why."""
    tree = judge(desk.draft, segments_query.catalogue()).tree
    if not desk.form.is_valid() or tree is None:
        return None
    name, row = desk.form.cleaned_data["name"], None if "save_as" in request.POST else desk.row
    try:
        with transaction.atomic():
            saved = save_segment(
                segment_id=row.pk if row else None, name=name, rule=tree, by=operator_of(request), now=clock.now()
            )
    except IntegrityError:
        desk.form.add_error("name", _("There is a segment with this name already."))
        return None
    messages.success(request, _("Segment saved."))
    return saved


def _look(desk: Desk) -> tuple[Look, Row]:
    judged = judge(desk.draft, segments_query.catalogue())
    look = look_at(judged.tree, now=clock.now(), draw=desk.draw)
    return look, Drawing(judged, look.picture, desk.focus).row(desk.draft)


def _page(request: HttpRequest, desk: Desk) -> HttpResponse:
    settle(desk.draft)
    look, root = _look(desk)
    row = desk.row
    may_edit = request.user.has_perm(EDIT)
    return page(
        request, "segment", row.name if row else _("New segment"), desk=desk, segment=row, look=look, root=root,
        fields=field_names(), may_edit=may_edit, may_ask=request.user.has_perm(ASK), starters=STARTERS,
        used=_uses(row), can_plan=row is not None and request.user.has_perm("campaigns.add_campaign"),
    )  # fmt: skip


def _uses(row: Segment | None) -> Mapping[str, int]:
    """Campaigns with this segment that are not over, and those of them that were approved."""
    if row is None:
        return {"all": 0, "approved": 0}
    open_ones = Campaign.objects.filter(segment=row).exclude(state__in=OVER)
    return open_ones.aggregate(all=Count("id"), approved=Count("id", filter=Q(state=CampaignState.APPROVED)))


def _rules(request: HttpRequest, desk: Desk) -> HttpResponse:
    """The rules alone; the page then asks for their figures itself."""
    judged = judge(desk.draft, segments_query.catalogue())
    root = Drawing(judged, None, desk.focus).row(desk.draft)
    answer = render(
        request, "console/_segment_rules.html", {"root": root, "fields": field_names(), "may_edit": True}
    )  # fmt: skip
    if not request.POST["do"].startswith("find"):
        answer["HX-Trigger-After-Settle"] = "recount"
    return answer


def _figures(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Count, sentence, samples, kinds, and beside each rule what is left; of a draft with a fault only the faults."""
    look, root = _look(desk)
    answer = render(request, "console/_segment_figures.html", {"look": look, "rows": flat(root), "may_edit": True})
    if look.picture is None and not look.is_too_slow:
        answer["HX-Reswap"] = "none"
    return answer
