"""The table of channels, and above it what wants a person."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from delivery.models import CARRIERS, Channel, ChannelState, Circuit
from delivery.queries.channel_use import Use, use_of_channels
from delivery.queries.channels import pulses
from delivery.queries.control_room import Condition, conditions
from delivery.queries.reasons import ailment_word
from delivery.rules.health import SUDDEN, Pulse
from foundation.money import format_cost
from templates_sms.models import Tier

QUOTA_NEAR = 90  # percent of a daily quota from which on people are told


@dataclass(frozen=True, slots=True)
class Row:
    """A channel as the table shows it; `speed` is tenths of a part a second over the last minute."""

    one: Condition
    light: str
    word: Any
    serves: list[str]
    use: Use
    speed: int

    @property
    def channel(self) -> Channel:
        """The row of the database."""
        return self.one.channel

    @property
    def why(self) -> Any:
        """Why its circuit is open."""
        return ailment_word(self.channel.broken_reason) if self.channel.circuit != Circuit.CLOSED else ""

    @property
    def delivered(self) -> str:
        """Percent of the receipts of ten minutes."""
        pulse = self.one.pulse
        return f"{tenths(pulse.delivered * 1000 // pulse.receipts)}%" if pulse.receipts else ""

    @property
    def delay(self) -> str:
        """Mean seconds to the receipts of ten minutes."""
        pulse = self.one.pulse
        return tenths(pulse.delay_seconds * 10 // pulse.receipts) if pulse.receipts else ""

    @property
    def speed_now(self) -> str:
        """Parts a second; whole ones from ten on."""
        return f"{self.speed // 10:,}" if self.speed >= 100 or self.speed == 0 else tenths(self.speed)

    @property
    def is_low(self) -> bool:
        """Whether less money is left than its warning asks for."""
        balance, limit = self.channel.balance, self.channel.balance_alert
        return balance is not None and limit is not None and balance < limit

    @property
    def lasting(self) -> int | None:
        """Tenths of a day for which the balance is enough."""
        return self.use.lasting(self.channel.balance) if self.channel.balance is not None else None

    @property
    def lasts(self) -> str:
        """The same in words; empty when nobody knows."""
        return _("enough for %(days)s days") % {"days": tenths(self.lasting)} if self.lasting is not None else ""

    @property
    def quota_percent(self) -> int:
        """Of today's quota; 0 without one."""
        quota = self.channel.daily_quota
        return self.one.used_today * 100 // quota if quota else 0


def tenths(value: int) -> str:
    """Tenths with one digit."""
    return f"{value // 10:,}.{value % 10}"


def rows_of(*, now: datetime) -> list[Row]:
    """All channels."""
    uses, minute = use_of_channels(now=now), pulses(since=now - SUDDEN)
    return [_row(one, uses, minute) for one in conditions(now=now)]


def _row(one: Condition, uses: Mapping[int, Use], minute: Mapping[int, Pulse]) -> Row:
    light, word = light_of(one)
    speed = minute.get(one.channel.pk, Pulse()).parts * 10 // int(SUDDEN.total_seconds())
    row = Row(one, light, word, serves(one.channel), uses.get(one.channel.pk, Use()), speed)
    if light != "ok":
        return row
    if row.is_low:
        return Row(one, "warn", _("balance is low"), row.serves, row.use, speed)
    if row.quota_percent >= QUOTA_NEAR:
        return Row(one, "warn", _("quota nearly used"), row.serves, row.use, speed)
    return row


def light_of(one: Condition) -> tuple[str, Any]:
    """The class of the light and the words beside it."""
    if one.channel.state != ChannelState.OPEN:
        return "off", one.channel.get_state_display()
    if one.channel.circuit == Circuit.OPEN:
        return "bad", one.channel.get_circuit_display()
    if one.percent < 100:
        return "warn", _("comes back with %(percent)s %% of its share") % {"percent": one.percent}
    return ("ok", one.channel.get_circuit_display()) if one.is_awake else ("off", _("outside its sending hours"))


def serves(channel: Channel) -> list[str]:
    """The tiers and carriers that a channel is for."""
    names = dict(Tier.choices) | dict(CARRIERS)
    return [str(names[one]) for one in [*channel.tiers, *channel.carriers]] or [_("all tiers and carriers")]


@dataclass(frozen=True, slots=True)
class Warning:
    """What wants a person: a light, the fact, what follows, and whether there is an alert of it."""

    light: str
    fact: str
    more: str
    has_alert: bool = True


def warnings_of(rows: list[Row], *, now: datetime) -> list[Warning]:
    """What wants a person, the worst first. A channel that is switched off by staff says nothing."""
    found = [one for row in rows if row.channel.state != ChannelState.DISABLED for one in _warnings(row, now)]
    return sorted(found, key=lambda one: one.light != "bad")


def _warnings(row: Row, now: datetime) -> Iterator[Warning]:
    channel = row.channel
    if row.light == "bad":
        since = _at(channel.broken_at or now)
        yield Warning(
            "bad", _("%(channel)s was taken out of traffic at %(at)s: %(why)s.") % {
                "channel": channel.name, "at": since, "why": row.why,
            }, _("The other channels that can carry take its share. It is tried again by itself."),
        )  # fmt: skip
    if row.is_low:
        yield Warning("warn", _balance(row), _("Top it up at the provider; the light turns green by itself."))
    if row.quota_percent >= QUOTA_NEAR and channel.daily_quota is not None:
        yield Warning("warn", _quota(row, channel.daily_quota), _until_used(row, channel.daily_quota, now), False)


def _balance(row: Row) -> str:
    assert row.channel.balance is not None and row.channel.balance_alert is not None
    facts = {
        "channel": row.channel.name, "balance": format_cost(row.channel.balance),
        "limit": format_cost(row.channel.balance_alert),
    }  # fmt: skip
    if row.lasting is None:
        return _("%(channel)s has %(balance)s yuan left, less than the %(limit)s of its warning.") % facts
    facts["days"] = tenths(row.lasting)
    return (
        _(
            "%(channel)s has %(balance)s yuan left, less than the %(limit)s of its warning: enough for %(days)s days "
            "at the use of the last seven."
        )
        % facts
    )


def _quota(row: Row, quota: int) -> str:
    left = max(quota - row.one.used_today, 0)
    return ngettext(
        "%(channel)s has used %(percent)s %% of its quota of today; %(left)s part is left.",
        "%(channel)s has used %(percent)s %% of its quota of today; %(left)s parts are left.",
        left,
    ) % {"channel": row.channel.name, "percent": row.quota_percent, "left": f"{left:,}"}


def _until_used(row: Row, quota: int, now: datetime) -> str:
    left = max(quota - row.one.used_today, 0)
    if not left or not row.speed:
        return _("When it is used up, the other channels carry until midnight.")
    used_up = now + timedelta(seconds=left * 10 // row.speed)
    if timezone.localtime(used_up).date() != timezone.localtime(now).date():
        return _("At the speed of the last minute it is enough for today.")
    return _("At the speed of the last minute it is used up at %(at)s; then the others carry until midnight.") % {
        "at": _at(used_up)
    }


def _at(instant: datetime) -> str:
    return date_format(timezone.localtime(instant), "H:i")
