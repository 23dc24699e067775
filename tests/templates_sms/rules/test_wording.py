import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from templates_sms.rules.wording import DEFAULT_WORDS, Finding, Word, Wording

WORDING = Wording(DEFAULT_WORDS)


def found(text):
    return [(text[f.start : f.end], f.kind, f.word) for f in WORDING.check(text)]


def test_a_finding_carries_place_advice_and_substitute():
    wording = Wording([Word("最好", "BANNED", "改写", "很好")])

    assert wording.check("这是最好的券") == [Finding(2, 4, "最好", "BANNED", "改写", "很好")]


@pytest.mark.parametrize(
    ("text", "typed", "word"),
    [
        ("全场最好", "最好", "最好"),
        ("全场最 好", "最 好", "最好"),
        ("全场最-·好", "最-·好", "最好"),
        ("全场最\u200b好", "最\u200b好", "最好"),
        ("品质１００％保证", "１００％", "100%"),
        ("请加ｖ信", "加ｖ信", "加V信"),
        ("请加 qq", "加 qq", "加QQ"),
        ("🎉销量第一🎉", "销量第一", "销量第一"),
    ],
)
def test_a_word_is_found_however_it_is_disguised(text, typed, word):
    assert (typed, word) in [(shown, listed) for shown, _, listed in found(text)]


def test_a_word_inside_a_longer_one_counts_once():
    wording = Wording([Word("最低", "RISKY"), Word("全网最低", "BANNED"), Word("最低价", "BANNED")])

    assert [f.word for f in wording.check("全网最低价，最低价，最低")] == ["全网最低", "最低价", "最低"]


def test_of_words_that_fold_to_the_same_the_first_counts_and_empty_ones_are_left_out():
    wording = Wording([Word("加QQ", "RISKY", "a"), Word("加 q q", "BANNED", "b"), Word("  ", "BANNED")])

    assert [f.advice for f in wording.check("加QQ")] == ["a"]
    assert Wording([]).check("最好") == []


@pytest.mark.parametrize(
    ("text", "typed", "kind"),
    [
        ("看 http://a.cn/x?y=1 吧", "http://a.cn/x?y=1", "LINK"),
        ("看 HTTPS：//a.cn，快", "HTTPS：//a.cn", "LINK"),
        ("看www.example.com。", "www.example.com", "LINK"),
        ("看dwz.cn/abc，", "dwz.cn/abc", "LINK"),
        ("看 shop.example.com.cn", "shop.example.com.cn", "LINK"),
        ("【一家店】您好", "【一家店】", "SIGNATURE_IN_BODY"),
        ("您好】", "】", "SIGNATURE_IN_BODY"),
        ("立减，回T退订", "回T退订", "OPT_OUT_TYPED"),
        ("立减，退订回TD", "退订回TD", "OPT_OUT_TYPED"),
        ("立减，拒收请回复R", "拒收请回复R", "OPT_OUT_TYPED"),
        ("立减，回复 t 退订", "回复 t 退订", "OPT_OUT_TYPED"),
        ("立\u200b减", "\u200b", "INVISIBLE"),
        ("立\t减", "\t", "INVISIBLE"),
    ],
)
def test_marks_are_found(text, typed, kind):
    assert (typed, kind) in [(shown, sort) for shown, sort, _ in found(text)]


@pytest.mark.parametrize(
    "text",
    [
        "{name|会员}您好，本周果蔬满100减20，券码{coupon_code}，{expires}前有效 {coupon_link}",
        "3.5折，v2.0，满99.9元减10元",
        "退货请到门店",
        "最{name}好",
        "",
        "第一百货店开业，最近有新品",
    ],
)
def test_an_honest_text_has_no_findings(text):
    assert found(text) == []


def test_findings_come_in_order_of_place():
    kinds = [kind for _, kind, _ in found("【店】最好，点击领取 http://a.cn 回T退订")]

    assert kinds == ["SIGNATURE_IN_BODY", "BANNED", "RISKY", "LINK", "OPT_OUT_TYPED"]


def test_the_default_list_is_large_unique_and_finds_itself():
    assert len(DEFAULT_WORDS) >= 60
    assert len({word.word for word in DEFAULT_WORDS}) == len(DEFAULT_WORDS)
    for word in DEFAULT_WORDS:
        assert word.advice
        assert (word.word, word.kind, word.word) in found(word.word)
        assert [f for f in WORDING.check(word.substitute) if f.kind == "BANNED"] == []


@given(
    word=st.sampled_from(DEFAULT_WORDS),
    before=st.text(alphabet="甲乙，。 🎉\u200b{}", max_size=5),
    after=st.text(alphabet="甲乙，。 🎉", max_size=5),
    noise=st.sampled_from(["", " ", "-", "·", "\u200b", "　", "*"]),
)
@settings(max_examples=200)
def test_places_point_into_the_text_as_typed(word, before, after, noise):
    typed = noise.join(word.word)
    text = before + typed + after

    assert (len(before), len(before) + len(typed)) in [
        (f.start, f.end) for f in WORDING.check(text) if f.word == word.word
    ]


@given(st.text(max_size=80))
@settings(max_examples=150)
def test_every_finding_lies_inside_any_text(text):
    for finding in WORDING.check(text):
        assert 0 <= finding.start < finding.end <= len(text)
