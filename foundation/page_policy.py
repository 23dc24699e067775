"""What the pages outside the office have in common: a strict content policy, nothing stored on the way."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from foundation import clock
from foundation.http import client_address
from foundation.services import guesses

View = Callable[..., HttpResponseBase]

POLICY = (
    "default-src 'none'; script-src {scripts}; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SCRIPTS = "'self'"
# The till's barcode reader is our own WebAssembly; nothing else on a page may be compiled.
SCRIPTS_AND_WASM = "'self' 'wasm-unsafe-eval'"
STRICT = POLICY.format(scripts=SCRIPTS)

# What a browser can do beyond pages. Nobody needs any of it but the till (camera) and
# the enlarged coupon, which keeps the screen on.
POWERS = (
    "accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer",
    "microphone", "midi", "payment", "publickey-credentials-get", "screen-wake-lock", "usb",
)  # fmt: skip


def powers(*allowed: str) -> str:
    """The `Permissions-Policy` of a page that may use `allowed` itself and nothing else; no frame may use anything."""
    return ", ".join(f"{name}=({'self' if name in allowed else ''})" for name in POWERS)


NO_POWERS = powers()


def strict_page(
    *, referrer: str = "same-origin", scripts: str = SCRIPTS, allowed: tuple[str, ...] = ()
) -> Callable[[View], View]:
    """
    Send a page with the strict content policy, never cached, never indexed; it may use the powers of `allowed`.

    `referrer` "no-referrer" keeps a token in the address from other sites; browsers then post forms with
    `Origin: null`, so such a page must not rely on Django's CSRF check.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def page(*args: Any, **kwargs: Any) -> HttpResponseBase:
            response = view(*args, **kwargs)
            response["Content-Security-Policy"] = POLICY.format(scripts=scripts)
            response["Permissions-Policy"] = powers(*allowed)
            response["Cache-Control"] = "no-store"
            response["Referrer-Policy"] = referrer
            response["X-Robots-Tag"] = "noindex, nofollow"
            return response

        return page

    return decorate


def token_page(*, allowed: tuple[str, ...] = ()) -> Callable[[View], View]:
    """A page whose address holds a public token: strict, tells no other site, and makes guessers wait."""

    def decorate(view: View) -> View:
        @strict_page(referrer="no-referrer", allowed=allowed)
        @wraps(view)
        def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            wait = guesses.wait_seconds(address=client_address(request), now=clock.now())
            if wait:
                minutes = -(-wait // 60)
                answer = render(request, "members/too_many.html", {"minutes": minutes}, status=429)
                answer["Retry-After"] = str(wait)
                return answer
            return view(request, *args, **kwargs)

        return page

    return decorate


def sorry(request: HttpRequest, token: str) -> HttpResponse:
    """
    The one answer for a token that opens nothing here: unknown, another page's, or no token at all.

    Same status, same bytes, about the same time; only whoever sent it knows which it was.
    """
    guesses.note(address=client_address(request), token=token, now=clock.now())
    return render(request, "members/sorry.html", status=404)
