"""When a channel is taken out of traffic, tried again and let back: a circuit with hysteresis."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

HOLD: Final = timedelta(minutes=10)  # between leaving traffic and coming back to it, and the drift after that
HOLD_ALONE: Final = timedelta(minutes=1)  # nobody else can carry: better a doubtful channel than none
TRIAL_SHARE: Final = 5  # percent of the channel's speed while on trial
DRIFT_FROM: Final = 10  # percent of its weight right after it is let back
TRIAL_TRIES: Final = 20
TRIAL_PATIENCE: Final = timedelta(minutes=5)  # how long a trial waits for receipts

SUDDEN: Final = timedelta(seconds=60)
ROLLING: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Pulse:
    """
    What a channel did over some time: people, receipts and the calls that people were handed over in.

    `delay_seconds` is the sum over its receipts, `parts` what its provider took.
    """

    accepted: int = 0
    failed: int = 0
    unsure: int = 0
    delivered: int = 0
    undelivered: int = 0
    delay_seconds: int = 0
    calls: int = 0
    parts: int = 0

    @property
    def tries(self) -> int:
        """People handed over, with whatever result speaks of the channel."""
        return self.accepted + self.failed + self.unsure

    @property
    def receipts(self) -> int:
        """Receipts that came."""
        return self.delivered + self.undelivered

    @property
    def accepted_percent(self) -> int:
        """Whole percents of the tries; 100 without any."""
        return self.accepted * 100 // self.tries if self.tries else 100

    @property
    def delivered_percent(self) -> int:
        """Whole percents of the receipts; 100 without any."""
        return self.delivered * 100 // self.receipts if self.receipts else 100

    @property
    def mean_delay(self) -> int:
        """Seconds from hand-over to report, on average."""
        return self.delay_seconds // self.receipts if self.receipts else 0


@dataclass(frozen=True, slots=True)
class Limits:
    """
    What is too bad: with at least so many tries or receipts, fewer percent or more delay than this.

    Tries must come from `least_calls` calls: one call that fails, of however many people, is an accident.
    """

    least_calls: int
    least_tries: int
    accepted_percent: int
    least_receipts: int
    delivered_percent: int
    mean_delay: int


SUDDEN_LIMITS: Final = Limits(3, 20, 50, 50, 40, 3600)
ROLLING_LIMITS: Final = Limits(3, 200, 85, 200, 60, 1800)
NOTABLE_LIMITS: Final = Limits(3, 200, 95, 200, 90, 300)  # nothing is switched by them: people are told
FEWEST: Final = TRIAL_TRIES  # what fewer tries or receipts say is chance


@dataclass(frozen=True, slots=True)
class Standing:
    """A circuit and since when; `since` None means it has always been closed."""

    circuit: str
    since: datetime | None


def ailment(pulse: Pulse, limits: Limits) -> str:
    """What is wrong with a channel by `limits`: ACCEPT, DELIVERY, DELAY, or nothing."""
    told = pulse.calls >= limits.least_calls and pulse.tries >= limits.least_tries
    if told and pulse.accepted_percent < limits.accepted_percent:
        return "ACCEPT"
    if pulse.receipts >= limits.least_receipts and pulse.delivered_percent < limits.delivered_percent:
        return "DELIVERY"
    if pulse.receipts >= limits.least_receipts and pulse.mean_delay > limits.mean_delay:
        return "DELAY"
    return ""


@dataclass(frozen=True, slots=True)
class Finding:
    """
    What was wrong with a channel (`ailment`), over how many minutes: `value` beside the `line` of the switch.

    ACCEPT and DELIVERY are whole percents of `count` tries or receipts, DELAY is seconds on average.
    """

    what: str
    minutes: int
    value: int
    line: int
    count: int


def finding(*, sudden: Pulse, rolling: Pulse) -> Finding | None:
    """What takes a channel out of traffic, in numbers."""
    return _found(sudden, SUDDEN, SUDDEN_LIMITS, SUDDEN_LIMITS) or _found(
        rolling, ROLLING, ROLLING_LIMITS, ROLLING_LIMITS
    )


def near_miss(standing: Standing, *, sudden: Pulse, rolling: Pulse, now: datetime) -> tuple[str, Finding] | None:
    """
    Why a channel that does not do well stays in traffic, and what is wrong with it; None when there is nothing to say.

    HELD: it came back within HOLD. ABOVE: it is not bad enough. FEW: too few speak of it to tell.
    """
    if standing.circuit != "CLOSED":
        return None
    bad = finding(sudden=sudden, rolling=rolling)
    if bad is not None:
        return ("HELD", bad) if standing.since is not None and now - standing.since < HOLD else None
    above = _found(sudden, SUDDEN, NOTABLE_LIMITS, SUDDEN_LIMITS) or _found(
        rolling, ROLLING, NOTABLE_LIMITS, ROLLING_LIMITS
    )
    if above is not None:
        return "ABOVE", above
    few = _found(rolling, ROLLING, replace(ROLLING_LIMITS, least_tries=FEWEST, least_receipts=FEWEST), ROLLING_LIMITS)
    return ("FEW", few) if few is not None else None


def _found(pulse: Pulse, span: timedelta, limits: Limits, lines: Limits) -> Finding | None:
    """What is wrong by `limits`, beside the lines of the switch."""
    what, minutes = ailment(pulse, limits), int(span.total_seconds()) // 60
    if what == "ACCEPT":
        return Finding(what, minutes, pulse.accepted_percent, lines.accepted_percent, pulse.tries)
    if what == "DELIVERY":
        return Finding(what, minutes, pulse.delivered_percent, lines.delivered_percent, pulse.receipts)
    return Finding(what, minutes, pulse.mean_delay, lines.mean_delay, pulse.receipts) if what else None


def judge(
    standing: Standing, *, sudden: Pulse, rolling: Pulse, trial: Pulse, is_alone: bool, now: datetime,
) -> tuple[str, str]:  # fmt: skip
    """
    The circuit a channel should have now, and why when it changes to OPEN.

    `sudden` and `rolling` are its last minute and last ten, `trial` what it did since it is on trial. A channel
    that came back is left alone for HOLD, so that two that fail by turns do not flap: its low weight limits the harm.
    """
    age = now - standing.since if standing.since is not None else None
    hold = HOLD_ALONE if is_alone else HOLD
    if standing.circuit == "OPEN":
        return ("HALF_OPEN", "") if age is None or age >= hold else ("OPEN", "")
    if standing.circuit == "HALF_OPEN":
        return _after_trial(trial, is_over=is_alone or age is None or age >= TRIAL_PATIENCE)
    if age is not None and age < HOLD:
        return "CLOSED", ""
    why = ailment(sudden, SUDDEN_LIMITS) or ailment(rolling, ROLLING_LIMITS)
    return ("OPEN", why) if why else ("CLOSED", "")


def _after_trial(trial: Pulse, *, is_over: bool) -> tuple[str, str]:
    """Who takes everything and delivers nothing fails too: a trial waits for its receipts until it is over."""
    if trial.tries < TRIAL_TRIES:
        return "HALF_OPEN", ""
    if trial.accepted_percent < ROLLING_LIMITS.accepted_percent:
        return "OPEN", "TRIAL"
    if trial.receipts < TRIAL_TRIES:
        return ("CLOSED", "") if is_over else ("HALF_OPEN", "")
    slow = trial.mean_delay > ROLLING_LIMITS.mean_delay
    return ("OPEN", "TRIAL") if slow or trial.delivered_percent < ROLLING_LIMITS.delivered_percent else ("CLOSED", "")


def share(standing: Standing, *, now: datetime) -> int:
    """
    Percent of its weight and speed that a channel may use now.

    100 for a healthy one, TRIAL_SHARE on trial, 0 while broken; after a return it drifts from DRIFT_FROM to 100
    over HOLD.
    """
    if standing.circuit == "OPEN":
        return 0
    if standing.circuit == "HALF_OPEN":
        return TRIAL_SHARE
    if standing.since is None or now - standing.since >= HOLD:
        return 100
    return DRIFT_FROM + int((100 - DRIFT_FROM) * ((now - standing.since) / HOLD))
