"""What the simulated carrier does: shares, delays, faults, limits. Read from files by `scenario_files`."""

from dataclasses import dataclass, fields, replace
from typing import Any, Final

MOST_BP: Final = 10_000
MESSAGE_SHARES: Final = ("refused_bp", "undelivered_bp", "silent_bp")
REPLY_SHARES: Final = ("opt_out_bp", "chat_bp")
CALL_SHARES: Final = (
    "throttle_bp",
    "timeout_after_accept_bp",
    "reset_after_accept_bp",
    "half_answer_bp",
    "error_500_bp",
)


class ScenarioRefused(ValueError):
    """A scenario that can't be played; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Brownout:
    """
    A time of trouble, in seconds since the carrier started (half-open), and what differs from the scenario then.

    `changes` are names and values of the scenario's own fields.
    """

    from_second: float
    until_second: float
    changes: tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """
    Shares are basis points: of messages, of receipts, or of calls. Delays are seconds, money is 1/10000 yuan.

    Raises ScenarioRefused when the values contradict each other.
    """

    # Of messages: what becomes of each.
    refused_bp: int = 0  # certainly not accepted, number unknown to the carrier
    undelivered_bp: int = 0
    silent_bp: int = 0  # accepted, but no receipt will ever come
    opt_out_bp: int = 0
    chat_bp: int = 0
    # Receipts and replies: when they come, and how often.
    delay_from: float = 0.0
    delay_until: float = 0.0
    reply_delay: float = 0.0
    receipt_repeat_bp: int = 0  # told twice
    early_receipt_bp: int = 0  # told before the call is answered
    receipt_shuffle: bool = False  # told in any order; each copy has a delay of its own
    part_receipts: bool = False  # one for each part of a long text; of a failed one some parts may have arrived
    replies_per_minute: int = 0  # besides the shares above, from phones that were written to before
    # Of calls: how each goes.
    seconds_per_call: float = 0.0
    people_per_second: int = 0  # what is above that is refused as a whole call; 0: no limit
    throttle_bp: int = 0  # refused as too fast though it is not
    timeout_after_accept_bp: int = 0  # accepted; the answer never comes
    reset_after_accept_bp: int = 0  # accepted; then the connection is reset
    half_answer_bp: int = 0  # accepted; half of the answer comes
    error_500_bp: int = 0  # half of them accepted, half not
    hold_seconds: float = 15.0  # how long a call that gets no answer is left hanging
    # Questions and money.
    query_lag_seconds: float = 0.0  # before that, who was accepted is unknown to questions
    balance: int | None = None  # of each channel at the start; None: nobody counts
    part_price: int = 450
    brownouts: tuple[Brownout, ...] = ()

    def __post_init__(self) -> None:
        for name in (one.name for one in fields(self)):
            value = getattr(self, name)
            if isinstance(value, int | float) and value < 0:
                raise ScenarioRefused(f"{name} must not be negative.")
            if name.endswith("_bp") and value > MOST_BP:
                raise ScenarioRefused(f"{name} must not be above {MOST_BP}.")
        for names in (MESSAGE_SHARES, REPLY_SHARES, CALL_SHARES):
            if sum(getattr(self, name) for name in names) > MOST_BP:
                raise ScenarioRefused(f"{', '.join(names)} must not be above {MOST_BP} together.")
        if self.delay_from > self.delay_until:
            raise ScenarioRefused("delay_from must not be after delay_until.")
        self._check_brownouts()

    def _check_brownouts(self) -> None:
        for one in self.brownouts:
            if one.from_second >= one.until_second:
                raise ScenarioRefused("A brown-out must end after it begins.")
            self._during(one)  # refuses what contradicts itself only then

    def _during(self, brownout: Brownout) -> "Scenario":
        return replace(self, **dict(brownout.changes), brownouts=())

    def at(self, second: float) -> "Scenario":
        """The scenario as it is `second` seconds after the start; of overlapping brown-outs the first counts."""
        for one in self.brownouts:
            if one.from_second <= second < one.until_second:
                return self._during(one)
        return self
