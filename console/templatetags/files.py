"""The ways of a list into and out of files."""

from typing import Any

from django import template
from django.urls import reverse

from console.list_imports.catalogue import list_of
from foundation.models import Operator

register = template.Library()


@register.simple_tag(takes_context=True)
def import_url(context: Any, model: str) -> str:
    """Where a file for the list of `app.model` is brought, for whoever may; empty for others."""
    user = context["request"].user
    if not isinstance(user, Operator):
        return ""
    if model == "members.member":
        return reverse("list-import-members.member") if user.has_perm("members.add_importfile") else ""
    chosen = list_of(model)
    return reverse(f"list-import-{model}") if chosen is not None and chosen.may_be_brought_by(user) else ""
