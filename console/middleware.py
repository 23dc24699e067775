"""What every answer of the office carries."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

# No address of another host, for whatever a page may come to hold. The theme's scripts (Alpine) compile expressions and
# its templates carry small scripts and styles of their own, hence the two "unsafe" words; the till and the pages of
# members do without and are stricter (foundation.page_policy).
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)


def content_policy(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: the office's content policy for every answer that has none of its own."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response

    return answer
