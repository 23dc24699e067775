"""
The coupon code a member shows and a clerk types: 11 random symbols and a check symbol over GF(32).

The alphabet is Crockford's (digits and capitals without I, L, O, U). The check is the weighted sum of
a^i * x_i in GF(32) with x^5 + x^2 + 1; the check symbol makes the sum over all twelve places zero. As the
twelve weights differ, every wrong symbol and every swap of two different symbols is seen.
"""

import re
import secrets
import unicodedata
from functools import reduce
from operator import xor

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 12
RANDOM_LENGTH = CODE_LENGTH - 1
QR_VERSION = "C1"

# Strings no member should find on a coupon, spelled in the alphabet above. Costs less than 0.01 bit.
RUDE = (
    "SEX", "ASS", "FCK", "KKK", "CNM", "TMD", "NMB", "CNT", "A55", "WTF",
    "FVCK", "SH1T", "D1CK", "C0CK", "TWAT", "P0RN", "NAZ1", "SHAB", "8964", "N1GG",
)  # fmt: skip

# Longest text worth reading: a QR payload or a short link, never a page.
_LONGEST_INPUT = 256
_AIM_IDENTIFIER = re.compile(r"^\][A-Za-z][0-9A-Za-z]")
_LINK_PATH = re.compile(r"/[rR]/([^/?#]*)")
_DOTS = ".·•‧∙⋅・。…"
_MINUS = "−"


class MalformedCode(ValueError):
    """The text is no coupon code: a wrong length, a foreign symbol or a check symbol that does not fit."""


def _multiply(left: int, right: int) -> int:
    """Product in GF(32) modulo x^5 + x^2 + 1."""
    product = 0
    for bit in range(5):
        if right >> bit & 1:
            product ^= left << bit
    for bit in range(8, 4, -1):
        if product >> bit & 1:
            product ^= 0b100101 << (bit - 5)
    return product


def _power(exponent: int) -> int:
    """The exponent-th power of the primitive element a = x."""
    return reduce(lambda product, _: _multiply(product, 2), range(exponent % 31), 1)


_VALUES = {symbol: value for value, symbol in enumerate(ALPHABET)}
# Weight a^(i - 11): the XOR of all weighted symbols then is the check symbol itself.
_WEIGHTED = [
    bytes(_multiply(byte & 31, _power(place - RANDOM_LENGTH)) for byte in range(256)) for place in range(RANDOM_LENGTH)
]
_SYMBOL_OF_BYTE = bytes(ord(ALPHABET[byte & 31]) for byte in range(256))
# 248 is the largest multiple of 62 in a byte; dropping the rest keeps all 62 characters equally likely.


def _typed_symbols() -> dict[int, str | None]:
    """What a typed character stands for; None drops it."""
    symbols: dict[int, str | None] = {ord(symbol): symbol for symbol in ALPHABET}
    symbols |= {ord(symbol.lower()): symbol for symbol in ALPHABET}
    symbols |= {ord(letter): "0" for letter in "Oo"}
    symbols |= {ord(letter): "1" for letter in "IiLl"}
    symbols |= {ord(mark): None for mark in _DOTS + _MINUS}
    return symbols


_TYPED = _typed_symbols()
_DROPPED_CATEGORIES = frozenset({"Zs", "Zl", "Zp", "Pd", "Cc", "Cf"})


def check_symbol(eleven: str) -> str:
    """The symbol that completes eleven symbols of the alphabet."""
    total = reduce(xor, (_WEIGHTED[place][_VALUES[symbol]] for place, symbol in enumerate(eleven)))
    return ALPHABET[total]


def new_codes(count: int) -> list[str]:
    """
    Mint `count` distinct codes, in random order; none contains a rude string.

    One call of the operating system's generator serves them all but by rare accident. Two calls may
    return the same code (2^-55 per pair): insert with "skip on conflict" and top up.
    """
    codes: set[str] = set()
    while len(codes) < count:
        missing = count - len(codes)
        text = _mint(secrets.token_bytes((missing + missing // 64 + 4) * RANDOM_LENGTH))
        rude = _rude_places(text)
        clean = (text[start : start + CODE_LENGTH] for start in range(0, len(text), CODE_LENGTH) if start not in rude)
        for code in clean:
            codes.add(code)
            if len(codes) == count:
                break
    return list(codes)


def _mint(random: bytes) -> str:
    """Turn 11 random bytes per code into codes, one after the other without separators."""
    count = len(random) // RANDOM_LENGTH
    text = bytearray(count * CODE_LENGTH)
    check = 0
    # Column by column, so that the bytes are mapped and XORed in C.
    for place in range(RANDOM_LENGTH):
        column = random[place::RANDOM_LENGTH]
        text[place::CODE_LENGTH] = column.translate(_SYMBOL_OF_BYTE)
        check ^= int.from_bytes(column.translate(_WEIGHTED[place]), "little")
    text[RANDOM_LENGTH::CODE_LENGTH] = check.to_bytes(count, "little").translate(_SYMBOL_OF_BYTE)
    return text.decode("ascii")


def _rude_places(text: str) -> set[int]:
    """Where the codes start that contain a rude string."""
    starts = set()
    for word in RUDE:
        found = text.find(word)
        while found != -1:
            place = found % CODE_LENGTH
            if place + len(word) <= CODE_LENGTH:
                starts.add(found - place)
            found = text.find(word, found + 1)
    return starts


def parse_code(text: str) -> str:
    """
    Read what a clerk typed or a scanner sent and return the 12 canonical symbols.

    Folds full width, lower case, O to 0 and I and L to 1; drops spaces, hyphens, dots and control
    characters, an AIM identifier (`]Q1`), the payload's `C1.`, and all of a link but what follows /r/.
    Raises MalformedCode.
    """
    if len(text) > _LONGEST_INPUT:
        raise MalformedCode("The text is too long for a coupon code.")
    printed = "".join(_printed(unicodedata.normalize("NFKC", text)))
    printed = _AIM_IDENTIFIER.sub("", printed)
    links = _LINK_PATH.findall(printed)
    symbols = (links[-1] if links else printed).translate(_TYPED)
    if len(symbols) == CODE_LENGTH + len(QR_VERSION):
        symbols = symbols.removeprefix(QR_VERSION)
    if len(symbols) != CODE_LENGTH or not _VALUES.keys() >= set(symbols):
        raise MalformedCode("A coupon code has 12 letters and digits.")
    if check_symbol(symbols[:RANDOM_LENGTH]) != symbols[RANDOM_LENGTH]:
        raise MalformedCode("The last symbol does not fit the others: the code is mistyped.")
    return symbols


def _printed(text: str) -> list[str]:
    """The characters of a text that are neither blank, dash nor control character."""
    return [character for character in text if unicodedata.category(character) not in _DROPPED_CATEGORIES]


def group_code(code: str) -> str:
    """Show a code in three groups of four: 7K3M-9QX2-TD5V."""
    return f"{code[:4]}-{code[4:8]}-{code[8:]}"


def qr_payload(code: str) -> str:
    """The text of the QR: version and code, all in QR's alphanumeric set."""
    return f"{QR_VERSION}.{code}"


def mask_code(code: str) -> str:
    """Show the first and last two symbols only; logs and lists of clerks never hold the rest."""
    return f"{code[:2]}{'•' * (len(code) - 4)}{code[-2:]}"
