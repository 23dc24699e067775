"""What staff hold right now and whether the machine stands, for the strips above every office page."""

from datetime import datetime

from django import template
from django.utils.translation import gettext as _

from delivery.models import Brake
from delivery.queries.watch import standing_since
from delivery.services.brakes import ALL, scope_of
from foundation import clock
from templates_sms.models import Tier

register = template.Library()


@register.simple_tag
def standing() -> tuple[bool, datetime | None]:
    """See `standing_since`."""
    return standing_since(now=clock.now())


@register.simple_tag
def held_scopes() -> list[str]:
    """What is held, in words; everything alone when everything is."""
    scopes = set(Brake.objects.values_list("scope", flat=True))
    if ALL in scopes:
        return [_("everything")]
    return [str(label) for tier, label in Tier.choices if scope_of(tier) in scopes]
