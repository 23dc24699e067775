import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from members.rules.consent import CANCEL_WORDS, KEYS, SENTENCES, is_opt_out, opt_out_word


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("T", "T"),
        ("t", "T"),
        ("ｔ", "T"),
        ("ＴＤ", "TD"),
        (" t d ", "TD"),
        ("T。", "T"),
        ("“T”", "T"),
        ("R", "R"),
        ("n", "N"),
        ("QX", "QX"),
        ("qx!", "QX"),
        ("0000", "0000"),
        ("退订", "退订"),
        ("退 订", "退订"),
        ("【退订】", "退订"),
        ("退訂", "退訂"),
        ("取消", "取消"),
        ("拒收", "拒收"),
        ("TD退订", "TD退订"),
        ("回T退订", "T退订"),
        ("回复TD退订", "TD退订"),
        ("退订回T", "退订回T"),
        ("T 谢谢", "T"),
        ("退订，谢谢！", "退订"),
        ("你好，我要退订", "退订"),
        ("请取消吧", "取消"),
        ("退订退订退订", "退订"),
        ("TTT", "T"),
        ("不要再发了", "不要再发了"),
        ("T\u200b\r\n", "T"),
        ("👎T", "T"),
        ("stop", "STOP"),
    ],
)
def test_an_opt_out_is_understood(text, word):
    assert opt_out_word(text) == word
    assert is_opt_out(text)


@pytest.mark.parametrize(
    "text",
    ["", "  ", "你好", "谢谢",
     "T恤有货吗", "not yet", "no", "请问怎么退订单", "请问怎么退订", "不退订", "不要取消",
     "怎么取消订单",
     "取消订单", "退货", "TNT", "R U there", "今天还有券吗", "3", "000", "T1", "回复", "短信",
     "帮我看看T恤", "新品什么时候到", "拒收快递", "NBA", "👍", "T" + "很长" * 20],
)  # fmt: skip
def test_an_ordinary_reply_is_no_opt_out(text):
    assert opt_out_word(text) is None
    assert not is_opt_out(text)


@given(
    word=st.sampled_from(KEYS + CANCEL_WORDS + SENTENCES),
    before=st.text(alphabet=" 　.。!！【】“”\n\u200b", max_size=4),
    after=st.text(alphabet=" 　.。!！～…\t", max_size=4),
    full_width=st.booleans(),
    lower=st.booleans(),
)
@settings(max_examples=200)
def test_case_width_spaces_and_punctuation_never_hide_an_opt_out(word, before, after, full_width, lower):
    typed = word.lower() if lower else word
    if full_width:
        typed = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in typed)

    assert opt_out_word(before + " ".join(typed) + after) == word


@given(st.text(max_size=60))
@settings(max_examples=200)
def test_any_text_has_an_answer(text):
    assert opt_out_word(text) is None or opt_out_word(text)
