"""
From a row of somebody's file to typed values, or one reason why not.

Text rule: control and format characters (NUL, zero width, byte order marks) are dropped, every kind of
space, tab and line end becomes one space, ends are stripped; codes (card, store, order, SKU) are also
folded with NFKC and lose what spreadsheets add (a leading apostrophe, a trailing ".0"). Text that lost
characters before it reached us (U+FFFD, lone surrogates) is refused. Naive instants are Asia/Shanghai.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from foundation.money import MoneyRefusal, MoneyRefused, parse_yuan
from foundation.phone import PhoneRefused, parse_mobile
from members.rules.import_headers import FIELDS, FieldSpec, HeaderRefused, Kind, match_headers
from members.rules.import_reasons import REASONS

__all__ = [
    "FIELDS",
    "REASONS",
    "FieldSpec",
    "HeaderRefused",
    "Kind",
    "MemberRow",
    "OrderLineRow",
    "OrderRow",
    "RowRefused",
    "StoreRow",
    "clean_member",
    "clean_order",
    "clean_order_line",
    "clean_store",
    "match_headers",
]

SHANGHAI = ZoneInfo("Asia/Shanghai")

LENGTHS = {
    "card_no": 32, "name": 64, "order_no": 40, "sku": 40, "product": 120, "category": 40, "store_code": 32,
    "home_store": 32, "city": 32, "income_band": 32, "level": 32,
}  # fmt: skip
LARGEST_COUNT = 9_999
LARGEST_QUANTITY_MILLI = 10**12

_ABSENT = frozenset({"", "-", "--", "—", "/", "无", "空", "NULL", "NONE", "N/A", "NA", "NAN", "\\N", "未知"})
_GENDERS = {
    "男": "M", "M": "M", "MALE": "M", "先生": "M", "男性": "M", "男士": "M", "1": "M",
    "女": "F", "F": "F", "FEMALE": "F", "女士": "F", "女性": "F", "小姐": "F", "2": "F",
    "保密": "", "0": "", "9": "", "U": "", "UNKNOWN": "", "其他": "", "不详": "",
}  # fmt: skip
_ANSWERS = {
    "是": True, "Y": True, "YES": True, "1": True, "TRUE": True, "T": True, "同意": True, "接收": True,
    "已同意": True, "愿意": True, "√": True, "有": True,
    "否": False, "N": False, "NO": False, "0": False, "FALSE": False, "F": False, "不同意": False,
    "不接收": False, "未同意": False, "不愿意": False, "拒绝": False, "×": False, "退订": False, "不": False,
}  # fmt: skip

_WRITTEN_INSTANT = re.compile(
    r"([0-9]{4})([-/.年])([0-9]{1,2})[-/.月]([0-9]{1,2})日?"
    r"(?:[ T]*([0-9]{1,2})[:时点]([0-9]{1,2})分?(?::?([0-9]{1,2})(?:\.[0-9]+)?秒?)?)?"
)
_COMPACT_INSTANT = re.compile(r"([0-9]{4})()([0-9]{2})([0-9]{2})(?:[ T]?([0-9]{2}):?([0-9]{2})(?::?([0-9]{2}))?)?")
_ZERO_DATE = re.compile(r"[0 :/.-]+")
# Spreadsheets always write the plus; a card may well be called 5E10.
_SCIENTIFIC = re.compile(r"[0-9](?:\.[0-9]+)?E\+[0-9]+", re.IGNORECASE)
_SPREADSHEET_FLOAT = re.compile(r"([0-9]+)\.0+")
_WHITE_SPACE = frozenset({"Zs", "Zl", "Zp"})
_DROPPED = frozenset({"Cc", "Cf"})


class RowRefused(ValueError):
    """A row can't be imported; `code` is a key of REASONS, `field` says where."""

    def __init__(self, code: str, field: str) -> None:
        super().__init__(f"{field}: {REASONS[code][1]}")
        self.code = code
        self.field = field


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One member of a file. `gender` is M, F or ''; `marketing_consent` None means the file doesn't say."""

    card_no: str
    phone: str
    name: str
    gender: str
    birthday: date | None
    home_store: str
    city: str
    joined_at: datetime | None
    income_band: str
    household_size: int | None
    kids: int | None
    level: str
    marketing_consent: bool | None


@dataclass(frozen=True, slots=True)
class StoreRow:
    """One store of a file."""

    store_code: str
    name: str
    city: str


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One order of a file. `paid_at` is aware UTC; `discount_fen` is what was taken off, never negative."""

    order_no: str
    card_no: str
    store_code: str
    paid_at: datetime
    amount_fen: int
    discount_fen: int
    line_count: int


@dataclass(frozen=True, slots=True)
class OrderLineRow:
    """One line of an order. `quantity_milli` is in thousandths: 0.35 kg is 350."""

    order_no: str
    sku: str
    product: str
    category: str
    quantity_milli: int
    amount_fen: int


def clean_member(values: Mapping[str, str]) -> MemberRow:
    """Read one member. A missing or wrong phone refuses the row. Raises RowRefused."""
    get = values.get
    return MemberRow(
        _code(get("card_no", ""), "card_no"),
        _phone(get("phone", "")),
        _text(get("name", ""), "name"),
        _gender(get("gender", "")),
        _birthday(get("birthday", "")),
        _optional_code(get("home_store", ""), "home_store"),
        _text(get("city", ""), "city"),
        _optional_instant(get("joined_at", ""), "joined_at"),
        _text(get("income_band", ""), "income_band"),
        _optional_count(get("household_size", ""), "household_size"),
        _optional_count(get("kids", ""), "kids"),
        _text(get("level", ""), "level"),
        _answer(get("marketing_consent", "")),
    )


def clean_store(values: Mapping[str, str]) -> StoreRow:
    """Read one store. Raises RowRefused."""
    name = _text(values.get("name", ""), "name")
    if not name:
        raise RowRefused("NAME_EMPTY", "name")
    return StoreRow(_code(values.get("store_code", ""), "store_code"), name, _text(values.get("city", ""), "city"))


def clean_order(values: Mapping[str, str]) -> OrderRow:
    """Read one order; tills write the discount with either sign. Raises RowRefused."""
    get = values.get
    paid_at = _optional_instant(get("paid_at", ""), "paid_at")
    if paid_at is None:
        raise RowRefused("DATE_EMPTY", "paid_at")
    return OrderRow(
        _code(get("order_no", ""), "order_no"),
        _code(get("card_no", ""), "card_no"),
        _optional_code(get("store_code", ""), "store_code"),
        paid_at,
        _amount(get("amount", ""), "amount"),
        _discount(get("discount", "")),
        _optional_count(get("lines", ""), "lines") or 0,
    )


def clean_order_line(values: Mapping[str, str]) -> OrderLineRow:
    """Read one line of an order; a quantity that is left out is one. Raises RowRefused."""
    get = values.get
    return OrderLineRow(
        _code(get("order_no", ""), "order_no"),
        _code(get("sku", ""), "sku"),
        _text(get("product", ""), "product"),
        _text(get("category", ""), "category"),
        _quantity_milli(get("quantity", "")),
        _amount(get("amount", ""), "amount"),
    )


def _text(text: str, field: str) -> str:
    """Clean free text, as the module's text rule says."""
    # Nearly all values are plain; these three questions are answered in C.
    if not text.isprintable() or "\ufffd" in text:
        text = _repaired(text, field)
    text = text.strip()
    if len(text) > LENGTHS[field]:
        raise RowRefused(f"{_code_stem(field)}_TOO_LONG", field)
    return text


def _code_stem(field: str) -> str:
    return "STORE_CODE" if field == "home_store" else field.upper()


def _repaired(text: str, field: str) -> str:
    """Replace white space, drop control characters; text that lost characters is refused."""
    repaired = []
    for character in text:
        category = unicodedata.category(character)
        if character == "\ufffd" or category == "Cs":
            raise RowRefused("TEXT_DAMAGED", field)
        if category in _WHITE_SPACE or character in "\t\r\n":
            repaired.append(" ")
        elif category not in _DROPPED:
            repaired.append(character)
    return " ".join("".join(repaired).split())


def _optional_code(text: str, field: str) -> str:
    """Clean a number that people treat as text: a card, a store, an order, a SKU; '' if there is none."""
    if text.isalnum() and text.isascii() and len(text) <= LENGTHS[field]:
        return text
    folded = unicodedata.normalize("NFKC", _repaired(text, field)).strip(" '‘’`=\"")
    if folded[:1].isdigit():
        if _SCIENTIFIC.fullmatch(folded):
            raise RowRefused("CODE_SCIENTIFIC", field)
        whole = _SPREADSHEET_FLOAT.fullmatch(folded)
        folded = whole[1] if whole else folded
    return _text(folded, field)


def _code(text: str, field: str) -> str:
    code = _optional_code(text, field)
    if not code:
        raise RowRefused(f"{_code_stem(field)}_EMPTY", field)
    return code


def _phone(text: str) -> str:
    try:
        return parse_mobile(text)
    except PhoneRefused as refused:
        raise RowRefused(f"PHONE_{refused.code}", "phone") from refused


def _folded(text: str) -> str:
    """A short answer as it is looked up: NFKC, upper case, no spaces or control characters; absent is ''."""
    folded = "".join(unicodedata.normalize("NFKC", text).upper().replace("\0", "").split()).strip("'\ufeff\u200b")
    return "" if folded in _ABSENT else folded


def _gender(text: str) -> str:
    gender = _GENDERS.get(text)
    if gender is None:
        folded = _folded(text)
        gender = _GENDERS.get(folded) if folded else ""
    if gender is None:
        raise RowRefused("GENDER_NOT_READABLE", "gender")
    return gender


def _answer(text: str) -> bool | None:
    """Consent is never guessed: an answer nobody knows refuses the row."""
    answer = _ANSWERS.get(text)
    if answer is None:
        folded = _folded(text)
        if not folded:
            return None
        answer = _ANSWERS.get(folded)
    if answer is None:
        raise RowRefused("CONSENT_NOT_READABLE", "marketing_consent")
    return answer


def _optional_count(text: str, field: str) -> int | None:
    """A small whole number; "5+" counts as 5, "2.0" as 2."""
    if not text:
        return None
    if len(text) <= 4 and text.isascii() and text.isdigit():
        return int(text)
    folded = _folded(text).removesuffix("+").removesuffix("人").removesuffix("个")
    if not folded:
        return None
    whole, _, decimals = folded.partition(".")
    if not (whole.isascii() and whole.isdigit()) or decimals.strip("0"):
        raise RowRefused("NUMBER_NOT_READABLE", field)
    if len(whole) > 9 or int(whole) > LARGEST_COUNT:
        raise RowRefused("NUMBER_TOO_LARGE", field)
    return int(whole)


def _optional_instant(text: str, field: str) -> datetime | None:
    """An instant in UTC; a date alone is its first instant in Shanghai; None if there is none."""
    if not text:
        return None
    local = _plain_instant(text) or _written_instant(text, field)
    if local is None:
        return None
    if not 1900 <= local.year <= 2100:
        raise RowRefused("DATE_OUT_OF_RANGE", field)
    aware = local if local.tzinfo else local.replace(tzinfo=SHANGHAI)
    return aware.astimezone(UTC)


def _plain_instant(text: str) -> datetime | None:
    """The instant of "2026-10-01" or "2026-10-01 08:30:00", read in C; None if it is written otherwise."""
    # The dash in place 4 and a digit in place 5 keep ISO weeks (2026-W01-1) out.
    if text[4:5] != "-" or not text[5:6].isdigit():
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _written_instant(text: str, field: str) -> datetime | None:
    """The naive instant of any other way people write one, or None for "none"."""
    folded = " ".join(unicodedata.normalize("NFKC", text).strip("'\ufeff\u200b\0").split())
    if folded.upper() in _ABSENT or _ZERO_DATE.fullmatch(folded):
        return None
    found = _WRITTEN_INSTANT.fullmatch(folded) or _COMPACT_INSTANT.fullmatch(folded)
    if not found:
        raise RowRefused("DATE_NOT_READABLE", field)
    year, _, month, day, hour, minute, second = found.groups()
    try:
        return datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))  # noqa: DTZ001
    except ValueError as impossible:
        raise RowRefused("DATE_NOT_READABLE", field) from impossible


def _birthday(text: str) -> date | None:
    """A date as it is written: no zone turns a birthday into its neighbour."""
    if not text:
        return None
    local = _plain_instant(text) or _written_instant(text, "birthday")
    if local is None:
        return None
    if not 1900 <= local.year <= 2100:
        raise RowRefused("DATE_OUT_OF_RANGE", "birthday")
    return local.date()


_AMOUNT_REASONS: dict[MoneyRefusal, str] = {
    "EMPTY": "AMOUNT_EMPTY",
    "NOT_A_NUMBER": "AMOUNT_NOT_READABLE",
    "TOO_MANY_DECIMALS": "AMOUNT_TOO_MANY_DECIMALS",
    "NEGATIVE": "AMOUNT_NEGATIVE",
    "TOO_LARGE": "AMOUNT_TOO_LARGE",
}


def _amount(text: str, field: str, *, signed: bool = False) -> int:
    try:
        return parse_yuan(text, signed=signed)
    except MoneyRefused as refused:
        raise RowRefused(_AMOUNT_REASONS[refused.code], field) from refused


def _discount(text: str) -> int:
    """Fen taken off, whatever sign the till gives it; 0 if there is none."""
    return abs(_amount(text, "discount", signed=True)) if _folded(text) else 0


def _quantity_milli(text: str) -> int:
    """Thousandths of a piece, kilogram or litre."""
    whole, _, decimals = text.partition(".")
    if not (text.isascii() and whole.isdigit() and (decimals.isdigit() or not decimals)):
        folded = _folded(text)
        if not folded:
            return 1_000
        whole, _, decimals = folded.partition(".")
        if not (folded.isascii() and whole.isdigit() and (decimals.isdigit() or not decimals)):
            raise RowRefused("QUANTITY_NOT_READABLE", "quantity")
    decimals = decimals.rstrip("0")
    if len(decimals) > 3:
        raise RowRefused("QUANTITY_NOT_READABLE", "quantity")
    milli = int(whole) * 1_000 + int(decimals.ljust(3, "0")) if len(whole) <= 12 else LARGEST_QUANTITY_MILLI
    if milli >= LARGEST_QUANTITY_MILLI:
        raise RowRefused("NUMBER_TOO_LARGE", "quantity")
    return milli
