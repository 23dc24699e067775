"""What staff hold right now, for the strip above every office page."""

from django import template
from django.utils.translation import gettext as _

from delivery.models import Brake
from delivery.services.brakes import ALL, scope_of
from templates_sms.models import Tier

register = template.Library()


@register.simple_tag
def held_scopes() -> list[str]:
    """What is held, in words; everything alone when everything is."""
    scopes = set(Brake.objects.values_list("scope", flat=True))
    if ALL in scopes:
        return [_("everything")]
    return [str(label) for tier, label in Tier.choices if scope_of(tier) in scopes]
