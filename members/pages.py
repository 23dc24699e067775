"""The preference page `/p/<token>`, and the page for links that cannot be opened."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from foundation import clock
from foundation.page_policy import sorry, token_page
from members.queries.preference import preference_of
from members.services import preference as services

# What a member agrees to by coming back; kept with the consent as its proof.
CONSENT_WORDS = _("I agree to get marketing messages (offers and coupons) on this phone; I can leave at any time.")
REASONS = {
    "TOO_MANY": _("Too many"),
    "NO_USE": _("Not useful"),
    "NEVER_AGREED": _("I never agreed"),
    "NEW_NUMBER": _("My number is new"),
    "COUPONS": _("Coupons don't work"),
    "OTHER": _("Other"),
}
# Where the latest consent came from, in the member's words.
AGREED = {
    "IMPORT": _("when you registered as a member"),
    "REPLY": _("by your reply to a message"),
    "PREFERENCE_PAGE": _("on this page"),
    "OPERATOR": _("at our office"),
}


# The token is the right to decide; a browser without cookies must be able to leave too.
@csrf_exempt
@token_page()
@require_http_methods(["GET", "HEAD", "POST"])
def preference(request: HttpRequest, token: str) -> HttpResponse:
    """Show the preference, or take one decision. Reading changes nothing: link checkers follow links."""
    state = preference_of(token=token)
    if state is None:
        return sorry(request, token)
    if request.method == "POST":
        _decide(request, token)
        return redirect("members:preference", token=token)
    name = "members/preference_left.html" if state.has_left else "members/preference.html"
    context = {"state": state, "reasons": REASONS, "words": CONSENT_WORDS, "agreed": AGREED.get(state.agreed_by, "")}
    return render(request, name, context)


def _decide(request: HttpRequest, token: str) -> None:
    reason = request.POST.get("reason", "")
    if request.POST.get("action") == "come_back":
        services.come_back(token=token, words=str(CONSENT_WORDS), now=clock.now())
    elif request.POST.get("action") == "leave":
        services.leave(token=token, reason=reason if reason in REASONS else "", now=clock.now())
