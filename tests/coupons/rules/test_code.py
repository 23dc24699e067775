import itertools
import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coupons.rules import code as rules
from coupons.rules.code import MalformedCode, check_symbol, new_codes, parse_code
from foundation.tokens import BASE_62, new_tokens

words = st.text(alphabet=rules.ALPHABET, min_size=11, max_size=11)
codes = words.map(lambda word: word + check_symbol(word))


def is_well_formed(symbols: str) -> bool:
    return check_symbol(symbols[:11]) == symbols[11]


def test_no_single_wrong_symbol_is_missed():
    missed = 0

    for code in new_codes(300):
        for place, symbol in itertools.product(range(12), rules.ALPHABET):
            if symbol != code[place]:
                missed += is_well_formed(code[:place] + symbol + code[place + 1 :])

    assert missed == 0


def test_no_swap_of_any_two_symbols_is_missed_the_check_symbol_included():
    missed = seen = 0

    for code in new_codes(1_000):
        for left, right in itertools.combinations(range(12), 2):
            if code[left] != code[right]:
                swapped = list(code)
                swapped[left], swapped[right] = swapped[right], swapped[left]
                seen += 1
                missed += is_well_formed("".join(swapped))

    assert seen > 60_000
    assert missed == 0


def test_no_double_letter_error_is_missed():
    missed = seen = 0

    for code, place in itertools.product(new_codes(200), range(11)):
        doubled = code[:place] + code[place] * 2 + code[place + 2 :]
        for symbol in rules.ALPHABET.replace(code[place], ""):
            typo = code[:place] + symbol * 2 + code[place + 2 :]
            if is_well_formed(doubled):
                seen += 1
                missed += is_well_formed(typo)

    assert seen > 500
    assert missed == 0


def test_the_weighted_sum_of_all_twelve_symbols_is_zero():
    for code in new_codes(200):
        total = 0
        for place, symbol in enumerate(code):
            total ^= rules._multiply(rules._power(place), rules.ALPHABET.index(symbol))
        assert total == 0


def test_the_element_is_primitive():
    assert len({rules._power(exponent) for exponent in range(31)}) == 31


def test_codes_are_distinct_well_formed_and_polite():
    minted = new_codes(20_000)

    assert len(set(minted)) == len(minted) == 20_000
    assert all(is_well_formed(code) for code in minted)
    assert not any(word in code for code in minted for word in rules.RUDE)


def test_rude_strings_are_found_wherever_they_stand_but_not_across_two_codes():
    text = "00000000000A" + "SS0000000000" + "000000000ASS" + "CNM000000000"

    assert rules._rude_places(text) == {24, 36}


def test_every_symbol_is_about_as_likely_as_every_other():
    text = "".join(new_codes(20_000))

    assert min(text.count(symbol) for symbol in rules.ALPHABET) > 7_500 * 0.93


@pytest.mark.parametrize("count", [0, 1, 2, 63, 1_000])
def test_as_many_codes_and_tokens_as_asked(count):
    assert len(new_codes(count)) == count
    assert len(new_tokens(count)) == count


def test_tokens_are_distinct_and_evenly_spread():
    tokens = new_tokens(20_000)

    assert len(set(tokens)) == 20_000
    assert all(re.fullmatch(r"[0-9A-Za-z]{11}", token) for token in tokens)
    text = "".join(tokens)
    assert min(map(text.count, BASE_62)) > 220_000 / 62 * 0.9


CODE = "7K3M9QX2TD5" + check_symbol("7K3M9QX2TD5")
FOLDED = "10234567890" + check_symbol("10234567890")


@pytest.mark.parametrize(
    "text",
    [
        CODE,
        CODE.lower(),
        rules.group_code(CODE),
        rules.qr_payload(CODE),
        f"]Q1{rules.qr_payload(CODE)}\r\n",
        f"\x02]C0{CODE}\x03",
        f"  {CODE[:4]} {CODE[4:8]}　{CODE[8:]} ",
        f"{CODE[:4]}—{CODE[4:8]}。{CODE[8:]}",
        f"{CODE[:4]}－{CODE[4:8]}·{CODE[8:]}",
        "".join(chr(ord(symbol) + 0xFEE0) for symbol in CODE),
        f"HTTPS://C.XX.CN/R/{CODE}",
        f"https://c.xx.cn/r/{rules.group_code(CODE).lower()}?from=wechat#top",
        f"\u200b{CODE}\ufeff",
        f"c1 {CODE}",
    ],
)
def test_what_people_and_scanners_hand_over_is_read(text):
    assert parse_code(text) == CODE


def test_look_alike_letters_are_folded():
    assert parse_code(FOLDED.replace("1", "I").replace("0", "o")) == FOLDED
    assert parse_code(FOLDED.replace("1", "l").replace("0", "O")) == FOLDED


@pytest.mark.parametrize(
    "text",
    ["", "   ", CODE[:-1], CODE + "0", f"C2.{CODE}", CODE[:5] + "U" + CODE[6:], "优惠券", "A" * 300,
     CODE[:5] + "ß" + CODE[6:], CODE[:-1] + ("0" if CODE[-1] != "0" else "1"), f"https://c.xx.cn/c/{CODE}"],
)  # fmt: skip
def test_what_is_no_code_is_refused(text):
    with pytest.raises(MalformedCode):
        parse_code(text)


@given(code=codes, noise=st.lists(st.sampled_from(" -.·—\t　"), min_size=12, max_size=12), upper=st.booleans())
@settings(max_examples=150)
def test_separators_and_case_never_matter(code, noise, upper):
    typed = "".join(symbol + mark for symbol, mark in zip(code, noise, strict=True))

    assert parse_code(typed if upper else typed.lower()) == code


@given(st.text(max_size=40))
@settings(max_examples=200)
def test_any_text_is_read_or_refused(text):
    try:
        code = parse_code(text)
    except MalformedCode:
        return
    assert is_well_formed(code)


def test_garbage_passes_about_once_in_thirty_two():
    dice = random.Random(7)
    passed = sum(is_well_formed("".join(dice.choices(rules.ALPHABET, k=12))) for _ in range(10_000))

    assert 200 < passed < 430


def test_codes_are_shown_in_groups_in_a_payload_and_masked():
    assert rules.group_code("7K3M9QX2TD5V") == "7K3M-9QX2-TD5V"
    assert rules.qr_payload("7K3M9QX2TD5V") == "C1.7K3M9QX2TD5V"
    assert rules.mask_code("7K3M9QX2TD5V") == "7K••••••••5V"
