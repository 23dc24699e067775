from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.money import MoneyRefused, format_cost, format_fen, format_price, parse_yuan


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("12", 1_200),
        ("12.5", 1_250),
        ("12.50", 1_250),
        ("0.05", 5),
        ("12.500", 1_250),
        ("12.", 1_200),
        (".5", 50),
        ("1,234.50", 123_450),
        ("1，234.50", 123_450),
        ("￥12", 1_200),
        ("¥ 1,000", 100_000),
        ("12元", 1_200),
        ("RMB 12.3", 1_230),
        ("１２．５", 1_250),
        (" 12 ", 1_200),
        ("+12", 1_200),
        ("-0.00", 0),
        ("0840.0", 84_000),
    ],
)
def test_an_amount_is_read_however_it_is_written(text, fen):
    assert parse_yuan(text) == fen


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "EMPTY"),
        ("  ", "EMPTY"),
        ("元", "EMPTY"),
        (".", "NOT_A_NUMBER"),
        ("-", "NOT_A_NUMBER"),
        ("abc", "NOT_A_NUMBER"),
        ("1,23", "NOT_A_NUMBER"),
        ("1.2.3", "NOT_A_NUMBER"),
        ("1e5", "NOT_A_NUMBER"),
        ("NaN", "NOT_A_NUMBER"),
        ("12.345", "TOO_MANY_DECIMALS"),
        ("12.001", "TOO_MANY_DECIMALS"),
        ("-12", "NEGATIVE"),
        ("¥-12", "NEGATIVE"),
        ("9" * 15, "TOO_LARGE"),
        ("9" * 5_000, "TOO_LARGE"),
    ],
)
def test_what_is_no_amount_is_refused_with_its_reason(text, code):
    with pytest.raises(MoneyRefused) as refused:
        parse_yuan(text)

    assert refused.value.code == code


@pytest.mark.parametrize("text", ["-12.34", "-￥12.34", "￥-12.34", "－12.34"])
def test_a_negative_amount_is_read_where_it_is_allowed(text):
    assert parse_yuan(text, signed=True) == -1_234


@given(st.integers(-(10**14), 10**14))
@settings(max_examples=200)
def test_reading_undoes_showing(fen):
    assert parse_yuan(format_fen(fen), signed=True) == fen
    assert parse_yuan(f"¥{format_fen(abs(fen))}") == abs(fen)
    assert parse_yuan(str(Decimal(abs(fen)) / 100)) == abs(fen)


@given(st.text(max_size=15) | st.text(alphabet="0123456789.,-+¥元 ", max_size=15))
@settings(max_examples=200)
def test_any_text_is_read_or_refused(text):
    try:
        assert parse_yuan(text) >= 0
    except MoneyRefused as refused:
        assert str(refused)


@pytest.mark.parametrize(("fen", "text"), [(0, "0.00"), (5, "0.05"), (123_450, "1,234.50"), (-5, "-0.05")])
def test_fen_are_shown_as_yuan(fen, text):
    assert format_fen(fen) == text


@pytest.mark.parametrize(("units", "text"), [(380, "0.0380"), (0, "0.0000"), (-12_345, "-1.2345")])
def test_a_price_is_shown_with_four_digits(units, text):
    assert format_price(units) == text


@pytest.mark.parametrize(
    ("units", "text"),
    [(66_195_100, "6,619.51"), (66_195_149, "6,619.51"), (66_195_050, "6,619.51"), (50, "0.01"), (49, "0.00"),
     (-50, "-0.01"), (-49, "0.00")],
)  # fmt: skip
def test_a_cost_is_rounded_half_up_to_the_fen(units, text):
    assert format_cost(units) == text
