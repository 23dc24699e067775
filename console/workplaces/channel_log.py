"""What happened to channels, in sentences: what was done, and what was not and why."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from delivery.models import ChannelNoteKind
from delivery.queries.channel_log import Line, channel_log
from delivery.queries.reasons import ailment_word
from delivery.rules.health import HOLD, HOLD_ALONE, TRIAL_SHARE
from foundation.money import format_cost

SHOWN = 20
HOLD_MINUTES = int(HOLD.total_seconds()) // 60
HOLD_ALONE_MINUTES = int(HOLD_ALONE.total_seconds()) // 60


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the log: its tone, what happened, more about it, and what staff said."""

    at: datetime
    tone: str
    what: str
    more: Sequence[str] = ()
    said: str = ""


def entries() -> list[Entry]:
    """The newest lines."""
    return [_entry(one) for one in channel_log(limit=SHOWN)]


def _entry(line: Line) -> Entry:
    known = TOLD.get(line.kind)
    if known is not None:
        tone, what, more = known
        return Entry(line.at, tone, what(line), more(line))
    words = ACTS.get(line.kind, gettext_lazy("%(who)s changed %(channel)s"))
    who = line.by or _("The system")
    said = str(line.facts.get("reason", ""))
    return Entry(line.at, "", str(words) % {"who": who, "channel": line.channel.name}, said=said)


ACTS: dict[str, Any] = {
    "channel.open": gettext_lazy("%(who)s let %(channel)s carry again"),
    "channel.drained": gettext_lazy("%(who)s drained %(channel)s"),
    "channel.disabled": gettext_lazy("%(who)s switched %(channel)s off"),
    "channel.tested": gettext_lazy("%(who)s sent a test through %(channel)s"),
    "channel.added": gettext_lazy("%(who)s added %(channel)s"),
    "channel.changed": gettext_lazy("%(who)s changed the settings of %(channel)s"),
}


def _named(words: str, line: Line, **facts: Any) -> str:
    return words % {"channel": line.channel.name, **facts}


def _broken(line: Line) -> str:
    why = ailment_word(str(line.facts.get("why", "")))
    return _named(_("%(channel)s was taken out of traffic: %(why)s"), line, why=why)


def _broken_more(line: Line) -> list[str]:
    if line.facts.get("is_alone"):
        next_step = ngettext(
            "No other channel can carry what it carries, so it is tried again after %(minutes)s minute.",
            "No other channel can carry what it carries, so it is tried again after %(minutes)s minutes.",
            HOLD_ALONE_MINUTES,
        ) % {"minutes": HOLD_ALONE_MINUTES}
    else:
        next_step = _("The others take its share; it is tried again after %(minutes)s minutes.") % {
            "minutes": HOLD_MINUTES
        }
    return [_measured(line.facts), next_step] if "what" in line.facts else [next_step]


def _measured(facts: dict[str, Any]) -> str:
    """The numbers of a `health.Finding`, as they were kept."""
    told = {"value": f"{facts['value']:,}", "line": f"{facts['line']:,}", "count": f"{facts['count']:,}"}
    told["span"] = _span(timedelta(minutes=facts["minutes"]))
    words = {
        "ACCEPT": _("It accepted %(value)s %% of %(count)s tries in %(span)s; the switch line is %(line)s %%."),
        "DELIVERY": _("%(value)s %% of %(count)s receipts in %(span)s were delivered; the switch line is %(line)s %%."),
        "DELAY": _(
            "%(count)s receipts of %(span)s took %(value)s seconds on average; the switch line is %(line)s seconds."
        ),
    }
    return words[facts["what"]] % told


def _near(line: Line) -> str:
    """Not switched, and why: `health.near_miss`."""
    facts = line.facts
    heads = {
        "ACCEPT": _("%(channel)s accepted only %(value)s %%"),
        "DELIVERY": _("Only %(value)s %% of %(channel)s were delivered"),
        "DELAY": _("Receipts of %(channel)s took %(value)s seconds"),
    }
    tails = {
        "ABOVE": _("%(head)s: not past the switch line of %(line)s, so it was not switched"),
        "FEW": _("%(head)s, but only %(count)s say so: too few to tell, so it was not switched"),
        "HELD": _("%(head)s, but it came back less than %(minutes)s minutes ago, so it was left its small share"),
    }
    head = _named(heads[facts["what"]], line, value=f"{facts['value']:,}")
    line_words = _("%(count)s s") if facts["what"] == "DELAY" else "%(count)s%%"
    return tails[facts["why"]] % {
        "head": head, "line": line_words % {"count": f"{facts['line']:,}"}, "count": f"{facts['count']:,}",
        "minutes": HOLD_MINUTES,
    }  # fmt: skip


def _near_more(line: Line) -> list[str]:
    told = [_measured(line.facts)]
    if line.ended_at is not None and line.end.get("receipts"):
        told.append(
            _("After %(span)s it did well again: %(percent)s %% delivered, %(seconds)s seconds.") % {
                "span": _span(line.ended_at - line.at), "percent": line.end["delivered_percent"],
                "seconds": f"{line.end['mean_delay']:,}",
            }
        )  # fmt: skip
    elif line.ended_at is not None:
        told.append(_("After %(span)s no more receipts came to judge by.") % {"span": _span(line.ended_at - line.at)})
    return told


def _low_more(line: Line) -> list[str]:
    balance = line.facts.get("balance")
    told = [_("%(balance)s yuan were left.") % {"balance": format_cost(int(balance))}] if balance is not None else []
    if line.ended_at is not None:
        after = {"span": _span(line.ended_at - line.at), "who": line.by}
        told.append((_("%(who)s saw to it after %(span)s.") if line.by else _("Topped up after %(span)s.")) % after)
    return told


def _span(length: timedelta) -> str:
    """A time in its largest whole unit."""
    minutes = max(int(length.total_seconds()) // 60, 1)
    if minutes < 60:
        return ngettext("%(count)s minute", "%(count)s minutes", minutes) % {"count": minutes}
    hours = minutes // 60
    if hours < 48:
        return ngettext("%(count)s hour", "%(count)s hours", hours) % {"count": hours}
    return ngettext("%(count)s day", "%(count)s days", hours // 24) % {"count": hours // 24}


def _nothing(_line: Line) -> list[str]:
    return []


# Tone, what happened, more about it.
TOLD: dict[str, tuple[str, Callable[[Line], str], Callable[[Line], list[str]]]] = {
    ChannelNoteKind.BROKEN: ("bad", _broken, _broken_more),
    ChannelNoteKind.TRIAL: (
        "warn",
        lambda line: _named(
            _("%(channel)s is tried again with %(percent)s %% of its speed"), line, percent=TRIAL_SHARE
        ),
        _nothing,
    ),
    ChannelNoteKind.BACK: (
        "ok",
        lambda line: _named(
            _("%(channel)s carries again and gets its share back within %(minutes)s minutes"), line,
            minutes=HOLD_MINUTES,
        ),
        _nothing,
    ),
    ChannelNoteKind.NEAR: ("ac", _near, _near_more),
    "BALANCE_LOW": (
        "warn", lambda line: _named(_("The balance of %(channel)s fell below its warning"), line), _low_more
    ),
}  # fmt: skip
