"""
Is this reply an opt-out?

The rule: fold the text (NFKC, upper case, nothing kept but letters and digits), then the WHOLE of it must
read as one opt-out word, perhaps repeated, perhaps wrapped in a few polite words. A word inside a sentence
never counts ("请问怎么退订单", "T恤有货吗", "not yet"), because a negation or a question turns it around.
Words after providers.md 12.4 and the trade's habits; sentences that mean the same stand in `SENTENCES`.
"""

import re
import unicodedata

KEYS = ("TD", "QX", "TUIDING", "T", "R", "N", "STOP", "UNSUBSCRIBE", "QUIT", "00000", "0000")
CANCEL_WORDS = ("退订", "退訂", "退定", "取消订阅", "取消", "拒收", "拒绝接收", "屏蔽")
SENTENCES = (
    "取消推送", "取消接收", "不要再发了", "不要再发", "不要发了", "别再发了", "别再发", "别发了",
    "不再接收", "不接收", "不需要短信", "停止发送",
)  # fmt: skip
POLITE_BEFORE = (
    "请帮我", "请", "麻烦", "你好", "您好", "帮我", "我要", "我想", "要求", "申请", "回复", "回", "发送",
)  # fmt: skip
POLITE_AFTER = (
    "谢谢您", "谢谢你", "谢谢", "谢了", "多谢", "感谢", "短信", "吧", "了", "啊", "哦", "THANKYOU", "THANKS",
)  # fmt: skip

# No one writes more to say no; longer texts are conversation and go to a person.
_LONGEST_FOLDED = 24


def _any_of(words: tuple[str, ...]) -> str:
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


_OPT_OUT = re.compile(
    rf"(?:{_any_of(POLITE_BEFORE)})*"
    rf"(?P<word>(?:{_any_of(KEYS)})?(?:{_any_of(CANCEL_WORDS)})"  # TD退订
    rf"|(?:{_any_of(CANCEL_WORDS)})请?(?:回复|回)(?:{_any_of(KEYS)})"  # 退订回T
    rf"|{_any_of(SENTENCES)}|{_any_of(KEYS)})"
    rf"(?P=word)*"
    rf"(?:{_any_of(POLITE_AFTER)})*"
)


def opt_out_word(text: str) -> str | None:
    """The opt-out word a reply consists of, folded ("ｔ d " gives "TD"), or None when it is none."""
    folded = "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).upper()))
    if len(folded) > _LONGEST_FOLDED:
        return None
    found = _OPT_OUT.fullmatch(folded)
    return found["word"] if found else None


def is_opt_out(text: str) -> bool:
    """Whether a reply asks us never to write again."""
    return opt_out_word(text) is not None
