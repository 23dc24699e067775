"""`/l/<token>`: short links."""

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_safe

from delivery.services import links
from foundation import clock

PREVIEWERS = ("bot", "preview", "spider", "crawler", "facebookexternalhit")


@require_safe
def follow(request: HttpRequest, token: str) -> HttpResponse:
    """Send the visitor on to the address that staff gave the token."""
    agent = request.headers.get("User-Agent", "").lower()
    is_preview = request.method == "HEAD" or any(name in agent for name in PREVIEWERS)
    target = links.follow(token=token, is_preview=is_preview, now=clock.now())
    if target is None:
        raise Http404
    return HttpResponseRedirect(target)
