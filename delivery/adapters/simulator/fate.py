"""Seeded outcomes: the same message under the same seed meets the same fate, and so does the same call."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from delivery.adapters.simulator.scenario import Scenario
from delivery.adapters.simulator.wire import DELIVERED

FAILURE_CODES: Final = ("MK:0001", "MK:0012", "UNDELIV", "EXPIRED", "DB:0141")
OPT_OUTS: Final = ("T", "TD", "退订", "ｔ", "回T退订", "退 订", "R", "取消")
CHATS: Final = ("好的，谢谢", "几点关门？", "哪家店可以用？", "收到", "能不能送货")


class Fault(Enum):
    """How one call goes wrong."""

    NONE = auto()
    THROTTLE = auto()
    TIMEOUT = auto()  # after accept
    RESET = auto()  # after accept
    HALF_ANSWER = auto()  # after accept
    ERROR_AFTER_ACCEPT = auto()
    ERROR = auto()  # nobody was accepted


@dataclass(frozen=True, slots=True)
class Fate:
    """What will become of one message. `receipt_code` is empty when no receipt comes."""

    is_refused: bool
    receipt_code: str
    receipt_delay: float
    reply: str


@dataclass(frozen=True, slots=True)
class Telling:
    """One receipt: of which part (from 1), with which code, how many seconds after the accept; early ones before it."""

    part: int
    code: str
    delay: float
    is_early: bool = False


def draws(*words: object) -> Iterator[int]:
    """Numbers below 2**32 without end, always the same for the same words."""
    block = 0
    while True:
        text = "/".join(map(str, (*words, block) if block else words))
        digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
        yield from (int.from_bytes(digest[i : i + 4]) for i in (0, 4, 8, 12))
        block += 1


def fate(scenario: Scenario, *, seed: str, reference: str) -> Fate:
    """The fate of a message under a scenario; the same arguments give the same fate."""
    numbers = draws(seed, reference)
    outcome, delay, reply, choice = (next(numbers) for _number in range(4))
    share = outcome % 10_000
    refused = share < scenario.refused_bp
    failed = not refused and share < scenario.refused_bp + scenario.undelivered_bp
    silent = not refused and not failed and share >= 10_000 - scenario.silent_bp
    code = "" if silent else FAILURE_CODES[choice % len(FAILURE_CODES)] if failed else DELIVERED
    text = "" if failed or refused else _reply(scenario, reply % 10_000, choice)
    return Fate(refused, code, _delay(scenario, delay), text)


def _delay(scenario: Scenario, number: int) -> float:
    return scenario.delay_from + (scenario.delay_until - scenario.delay_from) * (number % 1000) / 1000


def _reply(scenario: Scenario, share: int, choice: int) -> str:
    if share < scenario.opt_out_bp:
        return OPT_OUTS[choice % len(OPT_OUTS)]
    if share < scenario.opt_out_bp + scenario.chat_bp:
        return CHATS[choice % len(CHATS)]
    return ""


def tellings(scenario: Scenario, lot: Fate, *, seed: str, reference: str, parts: int) -> list[Telling]:
    """The receipts of an accepted message."""
    if not lot.receipt_code:
        return []
    if not (scenario.part_receipts or scenario.receipt_repeat_bp or scenario.early_receipt_bp):
        return [Telling(1, lot.receipt_code, lot.receipt_delay)]
    numbers = draws(seed, reference, "receipts")
    told = []
    for part, code in enumerate(_codes(scenario, lot, parts, next(numbers)), start=1):
        delay = _delay(scenario, next(numbers)) if scenario.receipt_shuffle else lot.receipt_delay
        is_early = next(numbers) % 10_000 < scenario.early_receipt_bp
        told.append(Telling(part, code, 0.0 if is_early else delay, is_early))
        again = _delay(scenario, next(numbers))
        if next(numbers) % 10_000 < scenario.receipt_repeat_bp:
            told.append(Telling(part, code, delay + again))
    return told


def _codes(scenario: Scenario, lot: Fate, parts: int, number: int) -> list[str]:
    """A code for each part; of a failed message at least one part failed."""
    if not scenario.part_receipts or parts == 1:
        return [lot.receipt_code]
    if lot.receipt_code == DELIVERED:
        return [DELIVERED] * parts
    failed = number % (2**parts - 1) + 1
    return [lot.receipt_code if failed >> part & 1 else DELIVERED for part in range(parts)]


def fault(scenario: Scenario, *, seed: str, call: int, reference: str) -> Fault:
    """How the `call`-th call goes, whose first person is `reference`."""
    numbers = draws(seed, "call", call, reference)
    share, which = next(numbers) % 10_000, next(numbers)
    for limit, found in (
        (scenario.throttle_bp, Fault.THROTTLE),
        (scenario.timeout_after_accept_bp, Fault.TIMEOUT),
        (scenario.reset_after_accept_bp, Fault.RESET),
        (scenario.half_answer_bp, Fault.HALF_ANSWER),
        (scenario.error_500_bp, Fault.ERROR_AFTER_ACCEPT if which % 2 else Fault.ERROR),
    ):
        if share < limit:
            return found
        share -= limit
    return Fault.NONE


def chance_reply(scenario: Scenario, *, seed: str, number: int) -> tuple[int, str]:
    """The `number`-th reply out of the blue: a number that chooses the phone, and the text."""
    numbers = draws(seed, "reply", number)
    who, kind, choice = next(numbers), next(numbers), next(numbers)
    both = scenario.opt_out_bp + scenario.chat_bp
    if both and kind % both < scenario.opt_out_bp:
        return who, OPT_OUTS[choice % len(OPT_OUTS)]
    return who, CHATS[choice % len(CHATS)]
