import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from templates_sms.rules.parts import count_parts, full_text, length_units


@pytest.mark.parametrize(
    ("units", "parts"), [(0, 1), (1, 1), (70, 1), (71, 2), (134, 2), (135, 3), (201, 3), (202, 4), (500, 8)]
)
def test_parts_follow_the_check_values_of_the_trade(units, parts):
    assert count_parts("券" * units) == parts
    assert count_parts("a" * units) == parts


def test_characters_above_the_basic_plane_take_two_units():
    assert length_units("") == 0
    assert length_units("券a𠮷🎉") == 6
    assert count_parts("🎉" * 35) == 1
    assert count_parts("🎉" * 36) == 2


def test_a_surrogate_pair_is_not_split_over_two_parts():
    # 134 units would fit two parts, but unit 67 falls inside an emoji.
    assert count_parts("🎉" * 67) == 3
    assert count_parts("a" + "🎉" * 66) == 2


@given(st.text(max_size=600))
@settings(max_examples=150, deadline=None)
def test_units_are_utf_16_and_parts_lie_between_their_bounds(text):
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    units = len(text.encode("utf-16-le")) // 2

    assert length_units(text) == units
    if units <= 70:
        assert count_parts(text) == 1
    else:
        assert -(-units // 67) <= count_parts(text) <= -(-units // 66)


@given(st.text(max_size=300), st.characters())
@settings(max_examples=100, deadline=None)
def test_a_longer_text_never_has_fewer_parts(text, character):
    assert count_parts(text + character) >= count_parts(text)


@pytest.mark.parametrize(
    ("body", "words", "text"),
    [
        ("到店立减。", "拒收请回复R", "【一家店】到店立减。拒收请回复R"),
        ("券码 7K3M", "回T退订", "【一家店】券码 7K3M 回T退订"),
        ("到店领取", "回T退订", "【一家店】到店领取 回T退订"),
        ("到店领取 ", "回T退订", "【一家店】到店领取 回T退订"),
        ("到店领取", "（回T退订）", "【一家店】到店领取（回T退订）"),
        ("到店领取", "", "【一家店】到店领取"),
        ("", "回T退订", "【一家店】回T退订"),
    ],
)
def test_the_whole_text_has_signature_body_and_opt_out_words(body, words, text):
    assert full_text(signature="一家店", body=body, opt_out_words=words) == text
