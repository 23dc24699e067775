"""A campaign's text to the phone of whoever plans it: it burns no coupon and counts in no report."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from campaigns.models import Campaign
from campaigns.queries.sheet import sample_params
from delivery.models import Channel, Dispatch
from delivery.queries.channels import usable
from delivery.rules.routing import lot_carrier
from delivery.rules.window import is_inside
from delivery.services import dispatches
from delivery.services.dispatches import NewMessage
from foundation.errors import DomainError
from foundation.models import Operator
from foundation.services import audit
from foundation.services.phones import open_phone, seal
from templates_sms.models import Tier

TRIAL_MINUTES = 10
URGENT = 20
DAY = (0, 24 * 60)  # of which the night is closed to everybody


class TrialRefused(DomainError):
    """Nothing can be tried out now."""

    code = "TRIAL_REFUSED"


@transaction.atomic
def send_trial(*, campaign_id: int, by: Operator, now: datetime) -> Dispatch:
    """
    Send the text of a campaign to the operator's own phone, with samples in the place of code and links.

    Goes out in the internal tier on a channel that carries marketing, past consent and caps. Once a minute for each
    campaign. Raises TrialRefused without a phone, at night, too soon after the last one, or without a channel.
    """
    # The lock lets a second press see the first one.
    person = Operator.objects.select_for_update(no_key=True).get(pk=by.pk)
    campaign = Campaign.objects.select_related("template_version", "coupon_terms__batch").get(pk=campaign_id)
    if person.phone_cipher is None:
        raise TrialRefused(_("Your account has no phone yet. IT enters it under Operators."))
    if not is_inside(now, *DAY):
        raise TrialRefused(_("Marketing may be sent from 08:00 to 22:00 only."))
    source = f"campaign_trial:{campaign_id}:{by.pk}:{now:%Y%m%d%H%M}"
    if Dispatch.objects.filter(source=source).exists():
        raise TrialRefused(_("It was sent to you just now. Wait a minute."))
    sealed = seal(open_phone(bytes(person.phone_cipher)))
    carrier = lot_carrier(sealed.carrier)
    dispatch = dispatches.open_dispatch(
        source=source, tier=Tier.INTERNAL, not_before=now, expires_at=now + timedelta(minutes=TRIAL_MINUTES), now=now,
        priority=URGENT, only_channel_id=_channel(carrier, now=now).pk,
    )  # fmt: skip
    message = NewMessage(
        dedupe_key=sealed.hash, variant="A", template_version_id=campaign.template_version_id,
        params=sample_params(campaign=campaign, name=str(person)), member_id=None, phone_hash=sealed.hash,
        phone_cipher=sealed.cipher, phone_tail=sealed.tail, carrier=carrier, is_demo=False,
        fingerprint=campaign.template_version.fingerprint,
    )  # fmt: skip
    dispatches.add_messages(dispatch=dispatch, people=[message])
    dispatches.release(dispatch_id=dispatch.pk)
    audit.record(action="campaign.tried", subject=f"campaigns.campaign:{campaign_id}", by=by, now=now)
    return dispatch


def _channel(carrier: str, *, now: datetime) -> Channel:
    fitting = [one.channel for one in usable(now=now) if one.takes(tier=Tier.MARKETING, carrier=carrier)]
    if not fitting:
        raise TrialRefused(_("No open channel carries marketing now."))
    return max(fitting, key=lambda one: one.weight)
