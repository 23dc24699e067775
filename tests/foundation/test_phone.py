import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.phone import Carrier, PhoneRefused, carrier_of, mask, mask_tail, parse_mobile


@pytest.mark.parametrize(
    "text",
    [
        "13800138000",
        " 138 0013 8000 ",
        "138-0013-8000",
        "138.0013.8000",
        "(138)00138000",
        "+86 138 0013 8000",
        "+86-13800138000",
        "(+86)13800138000",
        "008613800138000",
        "8613800138000",
        "013800138000",
        "１３８００１３８０００",
        "＋８６１３８００１３８０００",
        "'13800138000",
        "13800138000.0",
        "13800138000.00",
        '="13800138000"',
        "\u202a13800138000\u202c",
        "\t13800138000\r\n",
        "138—0013—8000",
    ],
)
def test_a_mobile_number_is_read_however_it_is_written(text):
    assert parse_mobile(text) == "13800138000"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "EMPTY"),
        ("  ", "EMPTY"),
        ("-", "EMPTY"),
        ("'", "EMPTY"),
        ("无", "NOT_A_NUMBER"),
        ("1380013800O", "NOT_A_NUMBER"),
        ("13800138000/13900139000", "NOT_A_NUMBER"),
        ("1+3800138000", "NOT_A_NUMBER"),
        ("1380013800", "WRONG_LENGTH"),
        ("138001380001", "WRONG_LENGTH"),
        ("0571-87654321", "NOT_MOBILE"),
        ("1064912345678", "WRONG_LENGTH"),
        ("010-12345678", "NOT_MOBILE"),
        ("12345678901", "NOT_MOBILE"),
        ("14012345678", "NOT_MOBILE"),
        ("17406000000", "NOT_MOBILE"),
        ("16110000000", "NOT_MOBILE"),
        ("1.38E+10", "SCIENTIFIC"),
        ("1.38001e10", "SCIENTIFIC"),
        ("٠١٣٨٠٠١٣٨٠٠", "NOT_A_NUMBER"),
        ("²3800138000", "NOT_MOBILE"),
    ],
)
def test_what_is_no_mobile_number_is_refused_with_its_reason(text, code):
    with pytest.raises(PhoneRefused) as refused:
        parse_mobile(text)

    assert refused.value.code == code
    assert str(refused.value)


def test_demo_numbers_are_accepted():
    assert parse_mobile("19900000001") == "19900000001"


def accepted(digits):
    try:
        return parse_mobile(digits) == digits
    except PhoneRefused:
        return False


def is_mobile_for_the_oracle(digits):
    try:
        number = phonenumbers.parse(digits, "CN")
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.number_type(number) in (
        phonenumbers.PhoneNumberType.MOBILE,
        phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
    )


def test_every_prefix_is_judged_as_libphonenumber_judges_it():
    numbers = [f"{prefix}234567" for prefix in range(10_000, 20_000, 3)] + ["17405000000", "16109999999"]

    assert [n for n in numbers if accepted(n) != is_mobile_for_the_oracle(n)] == []


@given(st.from_regex(r"1[0-9]{10}", fullmatch=True))
@settings(max_examples=200)
def test_any_number_is_judged_as_libphonenumber_judges_it(digits):
    assert accepted(digits) == is_mobile_for_the_oracle(digits)


@given(st.text(max_size=20) | st.text(alphabet="0123456789+-. ()'Ee０９", max_size=20))
@settings(max_examples=200)
def test_any_text_is_read_or_refused_and_reading_twice_changes_nothing(text):
    try:
        mobile = parse_mobile(text)
    except PhoneRefused:
        return
    assert len(mobile) == 11
    assert parse_mobile(mobile) == mobile


@pytest.mark.parametrize(
    ("mobile", "carrier"),
    [
        ("13800138000", Carrier.MOBILE),
        ("13480000000", Carrier.MOBILE),
        ("13490000000", Carrier.UNKNOWN),
        ("13000000000", Carrier.UNICOM),
        ("19900000001", Carrier.TELECOM),
        ("19200000000", Carrier.BROADNET),
        ("16100000000", Carrier.BROADNET),
        ("16110000000", Carrier.UNKNOWN),
        ("17000000000", Carrier.VIRTUAL),
        ("16200000000", Carrier.VIRTUAL),
        ("14100000000", Carrier.IOT),
        ("1064912345678", Carrier.IOT),
        ("17400000000", Carrier.UNKNOWN),
        ("", Carrier.UNKNOWN),
    ],
)
def test_the_prefix_names_the_carrier(mobile, carrier):
    assert carrier_of(mobile) is carrier


def test_every_accepted_prefix_but_satellite_has_a_carrier():
    prefixes = [f"{prefix}00" for prefix in range(100, 200) if accepted(f"{prefix}00000000")]

    assert [p for p in prefixes if carrier_of(p + "000000") is Carrier.UNKNOWN] == ["17400"]


def test_numbers_are_masked():
    assert mask("13800138000") == "138****8000"
    assert mask_tail("8000") == "****8000"
