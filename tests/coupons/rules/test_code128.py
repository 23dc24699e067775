"""The bar code of a coupon, read back by an independent decoder that knows the standard's parity and check."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coupons.rules.code import ALPHABET
from coupons.rules.code128 import _WIDTHS, START_B, STOP, bars_of, symbols_of, width_of

codes = st.text(st.sampled_from(ALPHABET), min_size=12, max_size=12)


def read_back(path: str, width: int) -> str:
    """Modules to widths to symbols to text, as a scan gun does it."""
    modules = [0] * width
    for start, length in re.findall(r"M(\d+) 0h(\d+)v1h-\d+z", path):
        modules[int(start) : int(start) + int(length)] = [1] * int(length)
    widths = [len(run) for run in re.findall(r"1+|0+", "".join(map(str, modules)))]
    symbols, rest = ["".join(map(str, widths[at : at + 6])) for at in range(0, len(widths) - 7, 6)], widths[-7:]
    numbers = [_WIDTHS.index(symbol) for symbol in symbols]
    start, *values, check = numbers
    assert (start, "".join(map(str, rest))) == (START_B, _WIDTHS[STOP])
    assert (start + sum(place * value for place, value in enumerate(values, 1))) % 103 == check
    return "".join(chr(value + 32) for value in values)


@given(codes)
def test_the_bars_of_a_code_say_the_code(code):
    assert read_back(bars_of(code), width_of(code)) == code


def test_the_symbols_of_a_known_text():
    # From the description of the standard: "PJJ123C" with start A has check 54; with start B it is one more.
    assert symbols_of("PJJ123C") == [104, 48, 42, 42, 17, 18, 19, 35, 55, 106]


def test_every_symbol_is_eleven_modules_with_an_even_number_of_dark_ones():
    for widths in _WIDTHS[:STOP]:
        assert sum(map(int, widths)) == 11 and sum(map(int, widths[::2])) % 2 == 0
    assert len(set(_WIDTHS)) == 107 and sum(map(int, _WIDTHS[STOP])) == 13


def test_a_coupon_code_is_167_modules_wide():
    assert width_of("7K3M9QX2TD5V") == 167


@pytest.mark.parametrize("text", ["", "券", "A\n", "é", "\x7f"])
def test_what_the_code_set_cannot_say_is_refused(text):
    with pytest.raises(ValueError, match="Code set B"):
        bars_of(text)
