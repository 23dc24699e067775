"""Why a message was not sent or did not arrive, in words."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from delivery.models import ReceiptCode
from delivery.rules.receipts import match

REASONS: dict[str, Any] = {
    "OPTED_OUT": _("opted out"),
    "NO_CONSENT": _("no marketing consent"),
    "SUPPRESSED": _("on the suppression list"),
    "DEMO_MEMBER": _("demo member on a real channel"),
    "TOO_LATE": _("too late to send"),
    "STOPPED": _("the run was stopped"),
    "WINDOW": _("waits for the window"),
    "NOT_OPEN": _("waits: paused"),
    "CAP_DAY": _("has 3 in 24 hours already"),
    "CAP_WEEK": _("has 4 in 7 days already"),
    "SAME_TEXT": _("got the same text within 72 hours"),
    "WORKER_LOST": _("a worker died meanwhile"),
    "AMBIGUOUS": _("the provider gave no clear answer"),
    "ERASED": _("the person asked to be erased"),
    "NO_RECEIPT": _("no receipt came"),
    "NEVER_TAKEN": _("the provider never got it"),
    "BY_PERSON": _("decided by a person"),
    "NUMBER": _("the provider calls the number bad"),
    "NUMFREQ": _("too many to this number, says the provider"),
    "CONTENT": _("the provider refused the text"),
    "SIGNTPL": _("signature or template not filed"),
    "REQUEST": _("the provider did not understand the call"),
    "INCOMPLETE": _("its text or phone could not be written"),
    "AWAY": _("the provider could not be reached"),
    "RETRY": _("the provider was away for a moment"),
    "THROTTLE": _("too fast for the provider"),
    "CHANNEL": _("the channel is broken"),
    "BALANCE": _("no money left at the provider"),
    "QUOTA": _("the channel's quota is used up"),
    "TIME": _("outside the provider's hours"),
}


# What `rules.health` finds wrong with a channel.
AILMENTS: dict[str, Any] = {
    "ACCEPT": _("it accepts too few"),
    "DELIVERY": _("too few are delivered"),
    "DELAY": _("receipts come too late"),
    "TRIAL": _("it failed on trial"),
}


def ailment_word(reason: str) -> Any:
    """Why a channel was taken out of traffic: what we saw, or what its provider said with the code behind it."""
    category, _space, code = reason.partition(" ")
    words = AILMENTS.get(category) or REASONS.get(category)
    if words is None:
        return reason
    return f"{words} ({code})" if code else words


def receipt_codes() -> dict[str, ReceiptCode]:
    """The table of receipt codes by code."""
    return {one.code: one for one in ReceiptCode.objects.all()}


def reason_word(code: str, codes: dict[str, ReceiptCode] | None = None) -> Any:
    """A reason in words: our own, or what a provider's receipt code means with the code behind it."""
    if code in REASONS or not code:
        return REASONS.get(code, code)
    entry = match(code, receipt_codes() if codes is None else codes)
    return code if entry is None else f"{entry.meaning} ({code})"


def advice_for(code: str, codes: dict[str, ReceiptCode] | None = None) -> str:
    """What to do about a provider's receipt code; empty when there is nothing to say."""
    entry = match(code, receipt_codes() if codes is None else codes)
    return "" if entry is None else entry.advice
