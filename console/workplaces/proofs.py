"""Ledger proofs: what last night's count of every ledger came to."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from console.workplaces.base import attempt, page, workplace
from foundation import clock
from foundation.admin_mixins import operator_of
from foundation.models import Job, JobState
from foundation.queries import earlier_failures, latest_proofs
from foundation.services import proofs as proving

FAILURES_SHOWN = 30

WORDS: dict[str, Any] = {
    "tallies": gettext_lazy("The figures on the pages are the sums of the message ledger."),
    "queue": gettext_lazy("Every waiting message is in the queue once, and nothing else is."),
    "handoffs": gettext_lazy("Every message being sent is in exactly one worker's hands."),
    "unsure": gettext_lazy("Every unsure message is on the list of unsure messages."),
    "finished": gettext_lazy("No run has ended while a message of it is still open."),
    "references": gettext_lazy("Every provider's number leads to a message that the provider was given."),
    "slots": gettext_lazy("Every place in the caps belongs to a message that left or may have left."),
    "batches": gettext_lazy("Every coupon batch has issued as many coupons as there are."),
    "redemptions": gettext_lazy("Every coupon was used as often as there are redemptions of it."),
    "seals": gettext_lazy("Every row of audit, consents, redemptions and undos is as it was sealed."),
}
"""What each check proves."""


@require_safe
@workplace("foundation.view_ledgerproof")
def proofs(request: HttpRequest) -> HttpResponse:
    """The newest result of each check, and the last ones that were not good."""
    latest = [(one, WORDS.get(one.name, one.name)) for one in latest_proofs()]
    failures = [(one, WORDS.get(one.name, one.name)) for one in earlier_failures(limit=FAILURES_SHOWN)]
    open_jobs = Job.objects.filter(kind=proving.KIND, state__in=[JobState.QUEUED, JobState.RUNNING])
    return page(
        request, "proofs", _("Ledger proofs"), latest=latest, failures=failures, is_running=open_jobs.exists(),
        wrong=sum(one.wrong_count for one, _words in latest),
    )  # fmt: skip


@require_POST
@workplace("foundation.view_ledgerproof")
def prove_now(request: HttpRequest) -> HttpResponse:
    """Prove in the background; it only reads, so who may look may ask."""
    attempt(request, _("The ledgers are being proved; look again in a minute."), proving.ask, by=operator_of(request),
            now=clock.now())  # fmt: skip
    return redirect("proofs")
