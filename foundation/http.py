"""What a request tells of where it came from."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """
    The address of the visitor: behind settings.PROXY_COUNT proxies of our own, what the outermost of them saw.

    What stands further left in X-Forwarded-For was written by the visitor and is not believed.
    """
    direct = str(request.META.get("REMOTE_ADDR", ""))
    if settings.PROXY_COUNT == 0:
        return direct
    seen = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    return seen[-settings.PROXY_COUNT] if len(seen) >= settings.PROXY_COUNT else direct


def plain_address(request: HttpRequest) -> str | None:
    """The same as a column for addresses takes it; None when it is none, such as a name that a proxy wrote."""
    try:
        return str(ipaddress.ip_address(client_address(request)))
    except ValueError:
        return None
