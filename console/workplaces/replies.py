"""The inbox: what members write back, and what staff answer one person."""

from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from campaigns.models import Run
from console.workplaces.base import attempt, need, page, workplace
from delivery.models import Message, MessageState, Reply, ReplyState
from delivery.queries.reasons import reason_word
from delivery.queries.replies import conversation, ended, inbox
from delivery.services import replies as desk
from foundation import clock
from foundation.admin_mixins import operator_of
from foundation.errors import DomainError
from foundation.models import Operator
from members.models import Member, PhoneGate
from templates_sms.models import TemplateVersion
from templates_sms.queries import answer_texts, text_of, texts_of
from templates_sms.rules.merge_fields import MergeFieldMissing, fields_in

PER_PAGE = 50
STATES = dict(MessageState.choices)


class QuickAnswer(forms.ModelChoiceField):
    """An approved notice by its name and first words."""

    def label_from_instance(self, obj: TemplateVersion) -> str:
        """What the list shows."""
        return f"{obj.template.name}：{obj.body[:40]}"


class AnswerForm(forms.Form):
    """An approved notice, and the words for its {answer}."""

    version = QuickAnswer(label=gettext_lazy("Quick answer"), queryset=TemplateVersion.objects.none(), empty_label=None)
    text = forms.CharField(
        label=gettext_lazy("Your words"), max_length=300, required=False, widget=forms.Textarea({"rows": 3}),
        help_text=gettext_lazy("They stand where the text says {answer}; leave it empty for a text without."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["version"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = answer_texts()

    def clean(self) -> dict[str, Any]:
        """Words are needed where the text has a place for them, and nowhere else."""
        found = super().clean() or {}
        version = found.get("version")
        if version is not None and bool(found.get("text")) != ("answer" in fields_in(version.body)):
            raise forms.ValidationError(_("This text needs your words, or has no place for them: choose another."))
        return found


@require_safe
@workplace("delivery.view_reply")
def replies(request: HttpRequest) -> HttpResponse:
    """Open, mine, or ended."""
    tab = request.GET.get("tab", "open")
    rows = ended() if tab == "ended" else inbox()
    if tab == "mine":
        rows = rows.filter(assigned_to=operator_of(request))
    shown = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    counts = {"open": inbox().count(), "mine": inbox().filter(assigned_to=operator_of(request)).count()}
    return page(request, "replies", _("Replies"), rows=shown, tab=tab, counts=counts)


@require_http_methods(["GET", "HEAD", "POST"])
@workplace("delivery.view_reply")
def reply(request: HttpRequest, pk: int) -> HttpResponse:
    """One reply with everything around it; a POST answers it."""
    row = get_object_or_404(Reply.objects.select_related("assigned_to"), pk=pk)
    form = AnswerForm()
    if request.method == "POST":
        need(request, "delivery.answer_reply")
        form = AnswerForm(request.POST)
        if form.is_valid() and attempt(
            request, _("Your answer is on its way."), desk.answer, reply_id=row.pk, **form.cleaned_data,
            by=operator_of(request), now=clock.now(),
        ):  # fmt: skip
            return redirect("replies")
    return page(
        request, "reply", _("Reply from %(tail)s") % {"tail": f"****{row.phone_tail}"}, reply=row, form=form,
        status=400 if form.errors else 200, is_open=row.state == ReplyState.INBOX,
        gate=PhoneGate.objects.filter(phone_hash=row.phone_hash).first(),
        members=Member.objects.filter(phone_hash=row.phone_hash).select_related("home_store").order_by("id"),
        colleagues=Operator.objects.filter(is_active=True, is_staff=True).order_by("username"),
        **_around(row),
    )  # fmt: skip


def _around(row: Reply) -> dict[str, Any]:
    found = conversation(reply=row)
    asked_by = Run.objects.select_related("campaign").filter(dispatch_id=found.asked_by.pk) if found.asked_by else None
    sent = [(one, STATES[one.state], reason_word(one.reason), _text(one)) for one in found.messages]
    return {"talk": found.replies, "sent": sent, "run": asked_by.first() if asked_by is not None else None}


def _text(message: Message) -> str:
    """What the phone showed, without the channel's opt-out words."""
    if message.template_version_id is None:
        return ""
    version = texts_of(version_ids=[message.template_version_id])[message.template_version_id]
    try:
        return text_of(version=version, params=message.params, opt_out_words="")
    except MergeFieldMissing:
        return ""


@require_POST
@workplace("delivery.view_reply")
def reply_action(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Look after a reply, give it to a colleague or back to all, or put it away."""
    need(request, "delivery.answer_reply")
    row = get_object_or_404(Reply, pk=pk)
    facts: dict[str, Any] = {"reply_id": row.pk, "by": operator_of(request), "now": clock.now()}
    if action == "done":
        attempt(request, _("The reply is put away."), desk.done, **facts)
        return redirect("replies")
    attempt(request, _("The reply has somebody who looks after it."), _assign, **facts, to=request.POST.get("to", ""))
    return redirect("reply", pk=row.pk)


def _assign(*, reply_id: int, to: str, by: Operator, now: Any) -> None:
    """`to` is an operator's number, "me", or nothing for everybody."""
    if to == "me":
        person: Operator | None = by
    else:
        person = (
            Operator.objects.filter(pk=to, is_active=True, is_staff=True).first()
            if to.isdecimal() and len(to) < 10
            else None
        )
        if to and person is None:
            raise DomainError(_("Nobody was found by that name."))
    desk.assign(reply_id=reply_id, to=person, by=by, now=now)


def badge(request: HttpRequest) -> str:
    """How many replies wait to be read."""
    return str(inbox().count() or "") if request.user.has_perm("delivery.view_reply") else ""
