"""Mainland mobile numbers: read, name the likely carrier, mask."""

import re
import unicodedata
from enum import StrEnum
from typing import Literal

MOBILE_LENGTH = 11

PhoneRefusal = Literal["EMPTY", "NOT_A_NUMBER", "WRONG_LENGTH", "NOT_MOBILE", "SCIENTIFIC"]

_SENTENCES: dict[PhoneRefusal, str] = {
    "EMPTY": "There is no phone number.",
    "NOT_A_NUMBER": "The phone number holds something else than digits.",
    "WRONG_LENGTH": "A mainland mobile number has 11 digits.",
    "NOT_MOBILE": "The number does not begin like a mainland mobile number.",
    "SCIENTIFIC": "A spreadsheet turned the number into scientific notation; its last digits are lost.",
}


class PhoneRefused(ValueError):
    """The text is no mainland mobile number; `code` says why."""

    def __init__(self, code: PhoneRefusal) -> None:
        super().__init__(_SENTENCES[code])
        self.code = code


class Carrier(StrEnum):
    """Whose number it was when it was handed out; numbers move, so this is a guess."""

    MOBILE = "MOBILE"
    UNICOM = "UNICOM"
    TELECOM = "TELECOM"
    BROADNET = "BROADNET"
    VIRTUAL = "VIRTUAL"
    IOT = "IOT"
    UNKNOWN = "UNKNOWN"


# providers.md 12.5, the state of 2026. A prefix has three digits, or four where three are shared.
PREFIXES: dict[Carrier, str] = {
    Carrier.MOBILE: "1340 1341 1342 1343 1344 1345 1346 1347 1348 135 136 137 138 139 147 150 151 152 157 "
    "158 159 172 178 182 183 184 187 188 195 197 198",
    Carrier.UNICOM: "130 131 132 145 155 156 166 175 176 185 186 196",
    Carrier.TELECOM: "133 153 173 177 180 181 189 190 191 193 199",
    Carrier.BROADNET: "192 1610",
    Carrier.VIRTUAL: "162 165 167 170 171",
    Carrier.IOT: "1064 140 141 144 146 148 149",
}
_CARRIERS = {prefix: carrier for carrier, prefixes in PREFIXES.items() for prefix in prefixes.split()}

# libphonenumber 9.0.43 for CN; satellite (1349, 1740) included, machines (140, 141, …) not.
_MOBILE = re.compile(r"1(?:610\d|740[0-5])\d{6}|1(?:[38]\d|4[57]|[59][0-35-9]|6[25-7]|7[0-35-8])\d{8}")
_PLAIN_PREFIXES = frozenset(prefix for prefix in map(str, range(100, 200)) if _MOBILE.fullmatch(prefix + "0" * 8)) - {
    "161",
    "174",
}

_SCIENTIFIC = re.compile(r"[+-]?\d(?:\.\d+)?E\+?\d+", re.IGNORECASE)
_SPREADSHEET_FLOAT = re.compile(r"(\+?\d{11,15})\.0+")
# Marks people put between digits, and what spreadsheets put around them.
_DROPPED = {
    ord(mark): None for mark in " -‐‑‒–—―−.·•()[]【】〔〕'’‘`\"“”=\t\r\n\u200b\u200e\u200f\u202a\u202c\u202d\ufeff"
}
_COUNTRY_PREFIXES = ("+86", "0086", "86", "0")


def parse_mobile(text: str) -> str:
    """
    Read a mainland mobile number as people and spreadsheets write it; 11 digits come back.

    Folds full width; drops spaces, hyphens, dots, brackets, quotes, +86, 0086, 86 and a trunk 0.
    Raises PhoneRefused.
    """
    if text[:3] in _PLAIN_PREFIXES and len(text) == MOBILE_LENGTH and text.isascii() and text.isdigit():
        return text
    digits = _digits(text)
    if len(digits) != MOBILE_LENGTH:
        raise PhoneRefused("WRONG_LENGTH")
    if not _MOBILE.fullmatch(digits):
        raise PhoneRefused("NOT_MOBILE")
    return digits


def _digits(text: str) -> str:
    """Only the digits of a number, without its country prefix."""
    folded = unicodedata.normalize("NFKC", text).strip(" \t\r\n'’\"=\ufeff")
    if _SCIENTIFIC.fullmatch(folded):
        raise PhoneRefused("SCIENTIFIC")
    whole = _SPREADSHEET_FLOAT.fullmatch(folded)
    digits = (whole[1] if whole else folded).translate(_DROPPED)
    if not digits:
        raise PhoneRefused("EMPTY")
    for prefix in _COUNTRY_PREFIXES:
        if digits.startswith(prefix) and len(digits) == len(prefix) + MOBILE_LENGTH:
            digits = digits.removeprefix(prefix)
            break
    if not (digits.removeprefix("+").isdigit() and digits.isascii()):
        raise PhoneRefused("NOT_A_NUMBER")
    return digits.removeprefix("+")


def carrier_of(mobile: str) -> Carrier:
    """The carrier a number's prefix was given to; VIRTUAL for resellers, IOT for machines."""
    return _CARRIERS.get(mobile[:3]) or _CARRIERS.get(mobile[:4], Carrier.UNKNOWN)


def mask(mobile: str) -> str:
    """Show the first three and last four digits: 138****8000."""
    return f"{mobile[:3]}****{mobile[-4:]}"


def mask_tail(tail: str) -> str:
    """Show a number of which only the last digits are known: ****8000."""
    return f"****{tail}"
