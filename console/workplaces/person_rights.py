"""What a person may ask for: a copy of all that is kept of them, and to be erased."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_http_methods

from console.workplaces import person as people
from console.workplaces.base import need, page, workplace
from console.workplaces.person import NobodyFound, Person
from console.workplaces.person_file import archive
from coupons.models import Coupon, CouponState, Redemption
from delivery.models import Message, Reply
from delivery.rules.states import OPEN
from foundation import clock
from foundation.admin_mixins import operator_of
from foundation.models import Job, JobState
from foundation.services import audit
from foundation.services.phones import reveal
from members.models import ConsentEvent, ConsentSource, EraseReason, Order, Suppression, SuppressionKind
from members.services.erase import KIND, erase_person
from members.services.imports.clearing import KEEP_DAYS

ERASE, EXPORT = "members.erase_member", "members.export_member"
COPY_REASONS = [
    ("WISH", pgettext_lazy("copy", "the person asked for it")),
    ("AUTHORITY", pgettext_lazy("copy", "an authority asked for it")),
]


class ReasonForm(forms.Form):
    """Why, in a choice: what somebody writes into the audit can never be taken out of it."""

    reason = forms.ChoiceField(label=gettext_lazy("Reason"))
    case = forms.RegexField(
        r"^[A-Za-z0-9-]*\Z", label=gettext_lazy("Number of the case"), max_length=20, required=False,
        help_text=gettext_lazy("Your own reference, letters and digits only. No name and no phone."),
    )  # fmt: skip


class CopyForm(ReasonForm):
    """A copy of everything."""

    prefix = "copy"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].choices = COPY_REASONS  # type: ignore[attr-defined]


class EraseForm(ReasonForm):
    """Erasing; whoever does it types the end of the number that the person has told."""

    prefix = "erase"

    tail = forms.CharField(
        label=gettext_lazy("Last four digits of the phone"), max_length=4,
        widget=forms.TextInput({"inputmode": "numeric", "autocomplete": "off"}),
        help_text=gettext_lazy("As the person has told you: so that it is the right one."),
    )  # fmt: skip

    def __init__(self, *args: Any, tail: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.wanted = tail
        if not tail:  # a number that we have never known whole
            del self.fields["tail"]
        self.fields["reason"].choices = [  # type: ignore[attr-defined]
            one for one in EraseReason.choices if one[0] != EraseReason.SYSTEM
        ]

    def clean_tail(self) -> str:
        """Refuses another number."""
        typed = str(self.cleaned_data["tail"])
        if typed != self.wanted:
            raise forms.ValidationError(_("This is not the end of this number. Nothing was erased."))
        return typed


@require_http_methods(["GET", "HEAD", "POST"])
@workplace(ERASE, EXPORT)
def person_rights(request: HttpRequest) -> HttpResponse:
    """
    Hand out a copy of a person's data, or erase them; by POST, so that nothing of them stands in an address.

    Both leave an audit entry with the reason and without anything personal.
    """
    try:
        person = people.of_token(request.POST.get("person", ""))
    except NobodyFound:
        return redirect("messages")
    copy = CopyForm(request.POST if "copy" in request.POST else None)
    erase = EraseForm(request.POST if "erase" in request.POST else None, tail=person.tail)
    if "copy" in request.POST and copy.is_valid():
        return _copy(request, person, copy)
    if "erase" in request.POST and erase.is_valid():
        _erase(request, person, erase)
        person = people.of_token(person.token)
    job, held = _job(person), _held(person)
    return page(
        request, "person_rights", _("Personal data"), person=person, copy=copy, erase=erase, job=job, held=held,
        file_days=KEEP_DAYS, can_erase=request.user.has_perm(ERASE) and _is_left(job, held),
    )  # fmt: skip


def _copy(request: HttpRequest, person: Person, form: CopyForm) -> HttpResponse:
    need(request, EXPORT)
    by, now = operator_of(request), clock.now()
    number = ""
    if person.cipher is not None and request.user.has_perm("members.reveal_phone"):
        number = reveal(cipher=person.cipher, subject="members.phone", by=by, now=now)
    body = archive(person, number=number, now=now)
    audit.record(
        action="member.exported", subject="members.phone", by=by, now=now, reason=form.cleaned_data["reason"],
        case=form.cleaned_data["case"], member_ids=[one.pk for one in person.members],
    )  # fmt: skip
    headers = {"Content-Disposition": 'attachment; filename="person.zip"'}
    return HttpResponse(body, content_type="application/zip", headers=headers)


def _erase(request: HttpRequest, person: Person, form: EraseForm) -> None:
    need(request, ERASE)
    erase_person(
        phone_hash=person.phone_hash, member_ids=[one.pk for one in person.members],
        reason=form.cleaned_data["reason"], case=form.cleaned_data["case"], source=ConsentSource.OPERATOR,
        by=operator_of(request), now=clock.now(),
    )  # fmt: skip


def _job(person: Person) -> Job | None:
    """The job of a person who was erased; None for one who was not, or has come anew."""
    erased = Suppression.objects.filter(phone_hash=person.phone_hash, kind=SuppressionKind.ERASED).exists()
    jobs = Job.objects.filter(kind=KIND, params__phone_hash=str(person.phone_hash))
    return jobs.order_by("-pk").first() if erased else None


def _is_left(job: Job | None, held: dict[str, int]) -> bool:
    """Whether there is something to erase: always before the first time, and where a job has stopped."""
    if job is None or job.state in (JobState.FAILED, JobState.CANCELLED):
        return True
    return not job.is_open and any(held[name] for name in ("cards", "orders", "messages", "replies", "coupons"))


def _held(person: Person) -> dict[str, int]:
    """What there is of the person now."""
    ids = [one.pk for one in person.members]
    messages = Message.objects.filter(phone_hash=person.phone_hash).exclude(phone_cipher=b"")
    coupons = Coupon.objects.filter(member_id__in=ids)
    return {
        "cards": len(ids), "orders": Order.objects.filter(member_id__in=ids).count(), "messages": messages.count(),
        "waiting": messages.filter(state__in=OPEN).count(),
        "replies": Reply.objects.filter(phone_hash=person.phone_hash).exclude(phone_tail="").count(),
        "coupons": coupons.filter(state=CouponState.ISSUED).count(),
        "redemptions": Redemption.objects.filter(coupon__in=coupons).count(),
        "consents": ConsentEvent.objects.filter(phone_hash=person.phone_hash).count(),
    }  # fmt: skip
