"""
What a clerk reads when a coupon is not taken: one word of verdict, one next step.

English source texts, looked up in the translations where they are shown. At most five Chinese characters
a word; the words accuse nobody, since the customer may be reading along.
"""

import re
from dataclasses import dataclass
from typing import Literal

from coupons.rules.eligibility import Refusal


@dataclass(frozen=True, slots=True)
class ReasonText:
    """
    STOP is red and leaves by itself; WAIT is amber and stays.

    `exact` is the next step with the figures of the answer, `next_step` the one for an answer without them.
    """

    tone: Literal["STOP", "WAIT"]
    word: str
    next_step: str
    exact: str = ""

    def step_for(self, figures: dict[str, str]) -> str:
        """The next step, still English, that these figures allow."""
        wanted = set(re.findall(r"%\((\w+)\)s", self.exact))
        return self.exact if self.exact and wanted <= figures.keys() else self.next_step


def _(text: str) -> str:
    """Mark a text for the translations; they are looked up on the page."""
    return text


def pgettext(context: str, text: str) -> str:
    """Mark a word that reads differently elsewhere; it is looked up under its context."""
    return text


def _stop(word: str, next_step: str, exact: str = "") -> ReasonText:
    return ReasonText("STOP", word, next_step, exact)


def _wait(word: str, next_step: str, exact: str = "") -> ReasonText:
    return ReasonText("WAIT", word, next_step, exact)


# Words in %(…)s come from the answer.
REASON_TEXTS: dict[Refusal, ReasonText] = {
    Refusal.ALREADY_REDEEMED: _stop(pgettext("verdict", "Already used"), _("Ask for another coupon")),
    Refusal.EXPIRED: _stop(pgettext("verdict", "Expired"), _("See whether the customer has another coupon")),
    Refusal.NOT_YET_VALID: _stop(
        pgettext("verdict", "Not valid yet"), _("Come back when it is valid"), _("Valid from %(start)s, come back then")
    ),
    Refusal.WRONG_TIME: _stop(
        pgettext("verdict", "Not at this hour"), _("See the hours in the terms"), _("Valid %(hours)s")
    ),
    Refusal.WRONG_STORE: _stop(pgettext("verdict", "Not this store"), _("Use it at the stores listed")),
    Refusal.WRONG_PRODUCT: _stop(
        pgettext("verdict", "Wrong goods"), _("See the goods in the terms"), _("For %(goods)s only")
    ),
    Refusal.MIN_SPEND: _stop(
        pgettext("verdict", "Spend too low"), _("Enter the total of the receipt"), _("Add ¥%(missing)s and it works")
    ),
    Refusal.MEMBER_MISMATCH: _stop(pgettext("verdict", "Wrong member"), _("The member must show it")),
    Refusal.MEMBER_LIMIT: _stop(
        pgettext("verdict", "Limit reached"),
        _("The member has used all of theirs"),
        _("The member has used all %(limit)s"),
    ),
    Refusal.STORE_CAP: _stop(pgettext("verdict", "Store quota used"), _("Try another store today")),
    Refusal.BUDGET_EXHAUSTED: _stop(pgettext("verdict", "Promotion is full"), _("Tell the customer it is used up")),
    Refusal.STACK_CONFLICT: _stop(pgettext("verdict", "Cannot combine"), _("The better one was kept")),
    Refusal.VOID: _stop(pgettext("verdict", "Cancelled"), _("The customer may ask customer service")),
    Refusal.BATCH_PAUSED: _stop(pgettext("verdict", "Paused"), _("Please come later, the coupon stays valid")),
    Refusal.NOT_FOUND: _stop(pgettext("verdict", "Not found"), _("Open the link in the SMS, scan again")),
    Refusal.MALFORMED: _stop(pgettext("verdict", "Mistyped"), _("Compare with the phone, or scan it")),
    Refusal.SIGNATURE_BAD: _stop(pgettext("verdict", "Cannot verify"), _("Do not accept, ask the manager")),
    Refusal.CLERK_NOT_ALLOWED: _stop(pgettext("verdict", "No permission"), _("Ask the manager to redeem it")),
    Refusal.DEVICE_REVOKED: _stop(pgettext("verdict", "Device disabled"), _("Use another device, tell the manager")),
    Refusal.HELD_ELSEWHERE: _wait(
        pgettext("verdict", "In use elsewhere"),
        _("Wait a moment, it is checked again"),
        _("Wait %(seconds)s s, it is checked again"),
    ),
    Refusal.ROTATING_STALE: _wait(pgettext("verdict", "Code out of date"), _("Refresh the page, scan again")),
    Refusal.OFFLINE_NOT_ALLOWED: _wait(pgettext("verdict", "Needs network"), _("Use an online device, or wait")),
    Refusal.RATE_LIMITED: _wait(
        pgettext("verdict", "Too fast"), _("Wait a little and try again"), _("Wait %(seconds)s s and try again")
    ),
    Refusal.LOCKED_OUT: _wait(
        pgettext("verdict", "Typing locked"), _("Scan instead, or wait"), _("Scan instead, or wait %(minutes)s min")
    ),
    Refusal.UNKNOWN_OUTCOME: _wait(pgettext("verdict", "Not sure yet"), _("Keep the customer here")),
}
