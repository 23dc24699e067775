"""Errors of the API and the till in one form: `{"code", "detail", "retryable"}`, and `fields` for bad input."""

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.utils.translation import gettext as _
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler

from foundation.errors import DomainError


class TooLarge(exceptions.APIException):
    """More bytes than a call may carry."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "TOO_LARGE"


def answer_to(exc: Exception, context: dict[str, Any]) -> Response | None:
    """The answer to a refusal (409), to bad input (400) or to any other error of DRF; None for everything else."""
    if isinstance(exc, DomainError):
        body = {"code": exc.code, "detail": str(exc), "retryable": exc.retryable, **exc.facts}
        return Response(body, status=status.HTTP_409_CONFLICT)
    if isinstance(exc, RequestDataTooBig):
        exc = TooLarge(_("This is more than a call may carry."))
    response = exception_handler(exc, context)
    if response is None:
        return None
    if not isinstance(exc, exceptions.APIException):  # DRF turns Django's own 404 and 403 into its own
        exc = (
            exceptions.NotFound()
            if response.status_code == status.HTTP_404_NOT_FOUND
            else exceptions.PermissionDenied()
        )
    response.data = _body_of(exc)
    response.exception = True
    return response


def _body_of(exc: exceptions.APIException) -> dict[str, Any]:
    if isinstance(exc, exceptions.ValidationError):
        detail = _first_sentence(exc.detail)
        return {"code": "BAD_INPUT", "detail": detail, "retryable": False, "fields": exc.detail}
    codes = exc.get_codes()
    code = codes.upper() if isinstance(codes, str) else "REFUSED"
    return {"code": code, "detail": str(exc.detail), "retryable": isinstance(exc, exceptions.Throttled)}


def _first_sentence(detail: Any) -> str:
    """The first of the sentences that a validation found."""
    while isinstance(detail, dict | list):
        detail = next(iter(detail.values() if isinstance(detail, dict) else detail), "")
    return str(detail)
