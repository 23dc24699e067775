"""People for a long run, their consent, and one campaign to all of them."""

from datetime import timedelta

from campaigns.models import Campaign
from delivery.models import Channel
from foundation import clock
from foundation.services.phones import seal
from members.models import Member, PhoneGate
from tests.factories import make_campaign, make_version, mobile

PREFIXES = ("139", "130", "133", "192")  # all four carriers
CHUNK = 5_000
BATCH = 50
BODY = "{name|会员}您好，本周全场生鲜八折，蔬菜水果天天平价，欢迎到店选购，祝您生活愉快。"
LONG_NAME = "住在西湖边上的老会员王小明先生" * 2  # every tenth text takes two parts


def gather(people: int) -> None:
    """Members who may be written to."""
    now = clock.now()
    for first in range(0, people, CHUNK):
        members, gates = [], []
        for number in range(first, min(first + CHUNK, people)):
            sealed = seal(mobile(number, PREFIXES[number % len(PREFIXES)]))
            members.append(
                Member(
                    card_no=f"C{number}", name="" if number % 10 else LONG_NAME, phone_hash=sealed.hash,
                    phone_cipher=sealed.cipher, phone_tail=sealed.tail, carrier=str(sealed.carrier),
                )
            )  # fmt: skip
            gates.append(PhoneGate(phone_hash=sealed.hash, consent="GRANTED", changed_at=now))
        Member.objects.bulk_create(members)
        PhoneGate.objects.bulk_create(gates)


def set_speed(messages: int) -> None:
    """Share the wanted messages a second among the channels; a tenth is added for the second parts."""
    channels = list(Channel.objects.order_by("id"))
    for one in channels:
        one.parts_per_second = -(-messages * 11 // (10 * len(channels)))
        one.batch_size = BATCH
    Channel.objects.bulk_update(channels, ["parts_per_second", "batch_size"])


def announce() -> Campaign:
    """One approved campaign to everybody, due in a moment."""
    now = clock.now()
    return make_campaign(now=now, scheduled_at=now + timedelta(seconds=5), version=make_version(BODY))
