"""Fen and SMS prices (1/10000 yuan): read what people write, show what they read."""

import re
import unicodedata
from typing import Literal

FEN_PER_YUAN = 100
UNITS_PER_YUAN = 10_000
# More than any chain turns over; keeps sums far inside 64 bits.
LARGEST_FEN = 10**14

MoneyRefusal = Literal["EMPTY", "NOT_A_NUMBER", "TOO_MANY_DECIMALS", "NEGATIVE", "TOO_LARGE"]

_SENTENCES: dict[MoneyRefusal, str] = {
    "EMPTY": "There is no amount.",
    "NOT_A_NUMBER": "The amount is not a number.",
    "TOO_MANY_DECIMALS": "An amount in yuan has at most two decimals.",
    "NEGATIVE": "The amount must not be negative.",
    "TOO_LARGE": "The amount is too large.",
}
_AMOUNT = re.compile(r"(?P<sign>[+-]?)¥?(?P<whole>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]*)(?:\.(?P<decimals>[0-9]*))?")


class MoneyRefused(ValueError):
    """The text is no amount in yuan; `code` says why."""

    def __init__(self, code: MoneyRefusal) -> None:
        super().__init__(_SENTENCES[code])
        self.code = code


def parse_yuan(text: str, *, signed: bool = False) -> int:
    """
    Read an amount in yuan as people write it ("12", "1,234.50", "￥12", "12.5元"); fen come back.

    More than two decimals are refused unless they are zeros. Raises MoneyRefused.
    """
    fen = _plain_fen(text)
    if fen is None:
        fen = _written_fen(text)
    if fen < 0 and not signed:
        raise MoneyRefused("NEGATIVE")
    if abs(fen) > LARGEST_FEN:
        raise MoneyRefused("TOO_LARGE")
    return fen


def _plain_fen(text: str) -> int | None:
    """Fen of a plain "12", "12.5" or "12.50": nearly all that files hold, so without a pattern."""
    if len(text) > 16 or not text.isascii():
        return None
    whole, _, decimals = text.partition(".")
    if not whole.isdigit():
        return None
    if not decimals:
        return int(whole) * FEN_PER_YUAN
    if len(decimals) > 2 or not decimals.isdigit():
        return None
    return int(whole) * FEN_PER_YUAN + int(decimals.ljust(2, "0"))


def _written_fen(text: str) -> int:
    """Fen of an amount with currency, thousands commas, sign or full-width digits."""
    folded = "".join(unicodedata.normalize("NFKC", text).split()).upper()
    bare = folded.removeprefix("CNY").removeprefix("RMB").removesuffix("元")
    if not bare:
        raise MoneyRefused("EMPTY")
    # "¥-12" and "-¥12" both occur.
    if bare.startswith("¥-"):
        bare = "-¥" + bare[2:]
    found = _AMOUNT.fullmatch(bare)
    decimals = (found["decimals"] or "").rstrip("0") if found else ""
    if not found or not (found["whole"] or found["decimals"]):
        raise MoneyRefused("NOT_A_NUMBER")
    if len(decimals) > 2:
        raise MoneyRefused("TOO_MANY_DECIMALS")
    whole = found["whole"].replace(",", "")
    if len(whole.lstrip("0")) > len(str(LARGEST_FEN)):
        raise MoneyRefused("TOO_LARGE")
    fen = int(whole or "0") * FEN_PER_YUAN + int(decimals.ljust(2, "0"))
    return -fen if found["sign"] == "-" else fen


def format_fen(fen: int) -> str:
    """Show fen as yuan: 1,234.50."""
    yuan, rest = divmod(abs(fen), FEN_PER_YUAN)
    return f"{'-' if fen < 0 else ''}{yuan:,}.{rest:02}"


def format_price(units: int) -> str:
    """Show a price of 1/10000 yuan with all four digits: 0.0380."""
    yuan, rest = divmod(abs(units), UNITS_PER_YUAN)
    return f"{'-' if units < 0 else ''}{yuan:,}.{rest:04}"


def format_cost(units: int) -> str:
    """Show a sum of 1/10000 yuan as yuan with two digits, half a fen rounded up (away from zero)."""
    per_fen = UNITS_PER_YUAN // FEN_PER_YUAN
    fen = (abs(units) + per_fen // 2) // per_fen
    return format_fen(-fen if units < 0 else fen)
