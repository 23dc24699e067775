"""The front door: where to go, how it goes, and pages for what went wrong."""

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe


@require_safe
def front_door(request: HttpRequest) -> HttpResponse:
    """Clerks to the till, everybody else to the office."""
    user = request.user
    if user.is_authenticated and not user.is_staff and user.has_perm("coupons.redeem"):
        return redirect("coupons:till")
    return redirect("admin:index")


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Whether this process answers and reaches the database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"ok": True})


def refused(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: who you are, and what to do."""
    return render(request, "console/refused.html", status=403)


def missing(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404."""
    return render(request, "console/missing.html", status=404)


def broken(request: HttpRequest) -> HttpResponse:
    """500: never a traceback."""
    return render(request, "console/broken.html", status=500)
