"""What every answer carries."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from foundation.page_policy import NO_POWERS, STRICT

OFFICE = "/console/"
# No address of another host, for whatever a page may come to hold. The theme's scripts (Alpine) compile expressions and
# its templates carry small scripts and styles of their own, hence the two "unsafe" words; docs/reference/headers.md
# lists them. Everything outside the office does without.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)


def content_policy(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: policies for every answer that has none of its own, relaxed under /console/ alone; no copies kept."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        policy = POLICY if request.path.startswith(OFFICE) else STRICT
        response.headers.setdefault("Content-Security-Policy", policy)
        response.headers.setdefault("Permissions-Policy", NO_POWERS)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return answer
