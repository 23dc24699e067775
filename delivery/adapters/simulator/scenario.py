"""What the simulated carrier does with a message: seeded, so that the same message meets the same fate."""

import hashlib
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Scenario:
    """Shares are basis points of all messages; delays are seconds."""

    refused_bp: int = 0  # certainly not accepted, number unknown to the carrier
    undelivered_bp: int = 0
    silent_bp: int = 0  # accepted, but no receipt will ever come
    opt_out_bp: int = 0
    chat_bp: int = 0
    delay_from: float = 0.0
    delay_until: float = 0.0
    reply_delay: float = 0.0
    seconds_per_call: float = 0.0


SCENARIOS: Final[dict[str, Scenario]] = {
    "demo": Scenario(
        refused_bp=30, undelivered_bp=150, silent_bp=80, opt_out_bp=60, chat_bp=30, delay_from=1.0, delay_until=15.0,
        reply_delay=6.0, seconds_per_call=0.25,
    ),
    "clean": Scenario(),
    "lively": Scenario(
        refused_bp=200, undelivered_bp=500, silent_bp=100, opt_out_bp=300, chat_bp=100, delay_from=0.1,
        delay_until=1.0, reply_delay=0.5,
    ),
    "silent": Scenario(silent_bp=10_000),
    "slow": Scenario(seconds_per_call=0.4, silent_bp=10_000),
}  # fmt: skip

FAILURE_CODES: Final = ("MK:0001", "MK:0012", "UNDELIV", "EXPIRED", "DB:0141")
OPT_OUTS: Final = ("T", "TD", "退订", "ｔ", "回T退订", "退 订", "R", "取消")
CHATS: Final = ("好的，谢谢", "几点关门？", "哪家店可以用？", "收到", "能不能送货")


@dataclass(frozen=True, slots=True)
class Fate:
    """What will become of one message. `receipt_code` is empty when no receipt comes."""

    is_refused: bool
    receipt_code: str
    receipt_delay: float
    reply: str


def fate(scenario: Scenario, *, seed: str, reference: str) -> Fate:
    """The fate of a message under a scenario; the same arguments give the same fate."""
    digest = hashlib.blake2b(f"{seed}/{reference}".encode(), digest_size=16).digest()
    outcome, delay, reply, choice = (int.from_bytes(digest[i : i + 4]) for i in (0, 4, 8, 12))
    share = outcome % 10_000
    refused = share < scenario.refused_bp
    failed = not refused and share < scenario.refused_bp + scenario.undelivered_bp
    silent = not refused and not failed and share >= 10_000 - scenario.silent_bp
    code = "" if silent else FAILURE_CODES[choice % len(FAILURE_CODES)] if failed else "DELIVRD"
    span = scenario.delay_until - scenario.delay_from
    text = "" if failed or refused else _reply(scenario, reply % 10_000, choice)
    return Fate(refused, code, scenario.delay_from + span * (delay % 1000) / 1000, text)


def _reply(scenario: Scenario, share: int, choice: int) -> str:
    if share < scenario.opt_out_bp:
        return OPT_OUTS[choice % len(OPT_OUTS)]
    if share < scenario.opt_out_bp + scenario.chat_bp:
        return CHATS[choice % len(CHATS)]
    return ""
