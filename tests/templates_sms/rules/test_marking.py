import pytest
from hypothesis import given
from hypothesis import strategies as st

from templates_sms.rules.marking import compare, marked, repaired
from templates_sms.rules.merge_fields import spoken, validate, written
from templates_sms.rules.parts import SINGLE_UNITS, count_parts, length_units, split_parts
from templates_sms.rules.wording import DEFAULT_WORDS, Finding, Wording

WORDING = Wording(DEFAULT_WORDS)


def read(pieces) -> str:
    return "".join(one.text for one in pieces)


def test_fields_are_chips_and_risky_words_are_marked():
    text = "{称呼|会员}，全网最低价，{个人券}"

    pieces = marked(text, WORDING.check(text))

    assert [(one.kind, one.text) for one in pieces] == [
        ("FIELD", "称呼"), ("TEXT", "，"), ("RISK", "全网最低"), ("TEXT", "价，"), ("FIELD", "个人券"),
    ]  # fmt: skip
    assert (pieces[0].fallback, pieces[2].finding) == ("会员", 0)


def test_of_findings_that_overlap_the_first_is_marked():
    text = "最好的"
    both = [Finding(0, 2, "最好", "BANNED", "", ""), Finding(1, 3, "好的", "RISKY", "", "")]

    assert [(one.kind, one.text) for one in marked(text, both)] == [("RISK", "最好"), ("TEXT", "的")]


@given(st.text(alphabet="全网最低，好a{}😀", max_size=40))
def test_marks_lose_no_character_outside_fields(text):
    if "{" not in text:
        assert read(marked(text, WORDING.check(text))) == text


def test_a_text_is_mended_by_the_safer_word_or_by_leaving_it_out():
    text = "😀全网最低，{name}，保本"

    assert repaired(text, WORDING.check(text)) == "😀特惠，{name}，"


@given(st.text(alphabet="满50减1，{称呼}ab", max_size=30), st.text(alphabet="满50减1，{称呼}ab", max_size=30))
def test_both_texts_can_be_read_from_their_comparison(older, newer):
    changes = compare(older, newer)

    assert "".join(text for kind, text in changes if kind != "NEW") == older
    assert "".join(text for kind, text in changes if kind != "GONE") == newer


def test_a_field_changes_as_a_whole():
    assert ("GONE", "{券码}") in compare("用{券码}", "用{个人券}")


@given(st.text(alphabet="满减𠮷a，😀", min_size=1, max_size=300))
def test_a_text_is_cut_into_the_parts_that_are_billed(text):
    pieces = split_parts(text)

    assert "".join(pieces) == text
    assert len(pieces) == count_parts(text)
    assert max(map(length_units, pieces)) <= SINGLE_UNITS


@pytest.mark.parametrize(
    ("typed", "body"),
    [
        ("{称呼|会员}您好{个人券}", "{name|会员}您好{coupon_link}"),
        ("{name|会员}您好", "{name|会员}您好"),
        ("{ 称呼 }{积分}", "{name}{积分}"),
        ("{称呼|}", "{name|}"),
        ("没有字段{", "没有字段{"),
    ],
)
def test_fields_may_be_typed_in_chinese(typed, body):
    assert written(typed) == body


@given(st.lists(st.sampled_from(["{name|会员}", "{expires}", "{coupon_code}", "满减", "%", "{answer}"]), max_size=6))
def test_a_body_survives_the_editor(parts):
    body = "".join(parts)

    assert written(spoken(body)) == body
    assert validate(written(spoken(body))) == validate(body)
