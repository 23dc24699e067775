"""`/l/<token>`: short links."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.crypto import salted_hmac
from django.views.decorators.http import require_safe

from delivery.rules.clicks import is_preview
from delivery.services import links
from foundation import clock
from foundation.http import client_address
from foundation.page_policy import sorry, token_page
from foundation.tokens import NO_TOKEN, could_be_token


@token_page()
@require_safe
def follow(request: HttpRequest, token: str) -> HttpResponse:
    """Send the visitor on to the address that staff gave the token; nothing of the request chooses it."""
    agent = request.headers.get("User-Agent", "")
    purpose = request.headers.get("Sec-Purpose", "") + request.headers.get("Purpose", "")
    target = links.follow(
        token=token if could_be_token(token) else NO_TOKEN, visitor=_visitor(request, agent), now=clock.now(),
        is_preview=is_preview(method=request.method or "", agent=agent, purpose=purpose),
    )  # fmt: skip
    if target is None:
        return sorry(request, token)
    return HttpResponseRedirect(target)


def _visitor(request: HttpRequest, agent: str) -> UUID:
    """A keyed hash of address and browser: enough to know a double tap, useless for anything else."""
    seen = f"{client_address(request)}\0{agent}"
    return UUID(bytes=salted_hmac("delivery.click", seen, algorithm="sha256").digest()[:16])
