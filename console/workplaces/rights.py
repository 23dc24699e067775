"""Rights for a time: asked for here by whoever needs them, granted here by somebody else."""

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from console.permissions import ROLES, role_name
from console.workplaces.base import attempt, need, page, workplace
from foundation import clock
from foundation.admin_mixins import operator_of
from foundation.errors import DomainError
from foundation.models import Operator
from foundation.row_scope import limited_to
from members.models import RoleGrant, Store
from members.queries.grants import grants_in_force, grants_of, grants_to_decide
from members.services import grants

DECIDE = "members.decide_rolegrant"
MINE = 20


class RightForm(forms.Form):
    """A role, for which stores, until when, why."""

    role = forms.ChoiceField(label=gettext_lazy("Role"))
    stores = forms.MultipleChoiceField(
        label=gettext_lazy("Stores"), required=False, widget=forms.SelectMultiple(attrs={"size": 6}),
        help_text=gettext_lazy("Needed for the till and for area managers; other roles read every store."),
    )  # fmt: skip
    last_day = forms.DateField(
        label=gettext_lazy("Last day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=200,
        help_text=gettext_lazy("Whoever decides reads this, and the audit keeps it."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = [(name, f"{one.label}：{one.purpose}") for name, one in ROLES.items()]  # type: ignore[attr-defined]
        with limited_to(None):  # one asks for stores that are not one's own yet; their names are no secret
            stores = [(str(one.pk), str(one)) for one in Store.objects.filter(is_active=True).order_by("code")]
        self.fields["stores"].choices = stores  # type: ignore[attr-defined]

    def clean_last_day(self) -> datetime:
        """The instant at which that day ends."""
        midnight = datetime.combine(self.cleaned_data["last_day"] + timedelta(days=1), time.min)
        return timezone.make_aware(midnight)


@require_http_methods(["GET", "HEAD", "POST"])
@workplace(by_store=True)
def rights(request: HttpRequest) -> HttpResponse:
    """What one may, what one has asked for, and for deciders what waits and what is in force."""
    me, now = operator_of(request), clock.now()
    form = RightForm(request.POST or None, initial={"last_day": timezone.localtime(now).date() + timedelta(days=7)})
    if request.method == "POST" and form.is_valid() and _ask(request, form):
        return redirect("rights")
    return page(
        request, "rights", _("Rights"), form=form, roles=[role_name(one.name) for one in me.groups.order_by("name")],
        me=me, decides=me.has_perm(DECIDE), sees_all=me.has_perm("members.view_rolegrant"), **_lists(me, now=now),
    )  # fmt: skip


def _lists(me: Operator, *, now: datetime) -> dict[str, Any]:
    """Rights with all their stores, which may be other ones than one reads now."""
    with limited_to(None):
        found = {
            "mine": grants_of(operator=me, limit=MINE),
            "waiting": grants_to_decide(by=me) if me.has_perm(DECIDE) else [],
            "in_force": grants_in_force(now=now) if me.has_perm("members.view_rolegrant") else [],
        }
        return {name: [_row(one, now) for one in rows] for name, rows in found.items()}


def _ask(request: HttpRequest, form: RightForm) -> bool:
    facts = form.cleaned_data
    try:
        grants.ask(
            role=facts["role"], store_ids=[int(one) for one in facts["stores"]], until=facts["last_day"],
            reason=facts["reason"], by=operator_of(request), now=clock.now(),
        )  # fmt: skip
    except DomainError as refusal:
        form.add_error(None, str(refusal))
        return False
    messages.success(request, _("Asked. A colleague decides; you find the answer here."))
    return True


def _row(grant: RoleGrant, now: datetime) -> dict[str, Any]:
    """A grant as the page shows it; what has run out says so."""
    is_over = grant.state == "GRANTED" and grant.until <= now
    return {
        "grant": grant, "role": role_name(grant.role.name), "stores": [str(one) for one in grant.stores.all()],
        "state": _("has run out") if is_over else grant.get_state_display(),
        "in_force": grant.state == "GRANTED" and not is_over,
    }  # fmt: skip


@require_POST
@workplace(by_store=True)
def right_action(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Grant, refuse, take back or end one right."""
    if action in ("grant", "refuse"):
        need(request, DECIDE)
    with limited_to(None):
        return _act(request, pk, action)


def _act(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    facts: dict[str, Any] = {"grant_id": pk, "by": operator_of(request), "now": clock.now()}
    get_object_or_404(RoleGrant, pk=pk)
    if action in ("grant", "refuse"):
        done = _("Granted.") if action == "grant" else _("Refused.")
        note = request.POST.get("note", "").replace("\0", "")
        attempt(request, done, grants.decide, is_granted=action == "grant", note=note, **facts)
    elif action == "withdraw":
        attempt(request, _("Taken back."), grants.withdraw, **facts)
    else:
        attempt(request, _("Ended."), grants.end, **facts)
    return redirect("rights")
