"""How the API describes itself: the signature as its security, and the errors that every call may get."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

HEADERS = {
    "X-Key": "Key id.", "X-Timestamp": "Unix seconds, at most five minutes off.",
    "X-Nonce": "16 to 64 letters, digits, - or _; new for each call.",
    "X-Signature": "Hex of HMAC-SHA256 with the secret over version v1, method, path with query, X-Timestamp, X-Nonce "
    "and the hex SHA-256 of the body, joined by line breaks.",
}  # fmt: skip
ERRORS = {
    "400": "Bad input; `fields` says where.", "401": "Nobody vouches for this call.", "403": "The key may not do this.",
    "404": "There is no such thing, or not for this key.", "405": "This address has no such method.",
    "409": "Refused by a rule; nothing was changed.", "413": "More than a call may carry.",
    "415": "Only application/json is read.", "429": "Too many calls; see Retry-After.",
}  # fmt: skip
ERROR = {
    "type": "object",
    "properties": {
        "code": {"type": "string"}, "detail": {"type": "string"}, "retryable": {"type": "boolean"},
        "fields": {"description": "What is wrong with which field, for bad input."},
    },
    "required": ["code", "detail", "retryable"],
}  # fmt: skip


class SignedKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The four headers of a signed call."""

    target_class = "foundation.rest.auth.SignedKeyAuthentication"
    name = [header.removeprefix("X-").lower() for header in HEADERS]

    def get_security_definition(self, auto_schema: AutoSchema) -> list[dict[str, Any]]:
        return [
            {"type": "apiKey", "in": "header", "name": header, "description": words}
            for header, words in HEADERS.items()
        ]

    def get_security_requirement(self, auto_schema: AutoSchema) -> dict[str, list[str]]:
        return {name: [] for name in self.name}


class ApiSchema(AutoSchema):
    """Of an operation: its own answers and the errors that every call may get, its scope in the description."""

    def get_tags(self) -> list[str]:
        return [self.path.split("/")[3]]

    def get_description(self) -> str:  # type: ignore[override]
        scope = getattr(self.view, "scopes", {}).get(self.method, "")
        return "\n\n".join(filter(None, [super().get_description(), f"Scope: `{scope}`" if scope else ""]))


def add_errors(result: dict[str, Any], **_more: Any) -> dict[str, Any]:
    """Postprocessing hook: every operation may answer with each of ERRORS."""
    result["components"]["schemas"]["Error"] = ERROR
    reference = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    for operations in result["paths"].values():
        for operation in operations.values():
            for status, words in ERRORS.items():
                operation["responses"].setdefault(status, {"description": words, "content": reference})
    return result
