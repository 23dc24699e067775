"""Every refusal has a word and one next step, in Chinese and English, with figures and without."""

import re

import pytest
from django.template.loader import render_to_string
from django.utils import translation

from coupons.rules.eligibility import Refusal
from coupons.rules.reason_texts import REASON_TEXTS
from coupons.serializers.verdicts import show
from tests.coupons.answers import AT, refused

LANGUAGES = ["zh-hans", "en"]
# Words that read the same in both languages; everything else must be Chinese on a Chinese page.
LEFT = re.compile(r"[A-Za-z]{3,}")


def shown(reason, language):
    with translation.override(language):
        view = show(refused(reason), zone="Asia/Shanghai", now=AT)
        part = "bad" if view["tone"] == "bad" else "warn"
        return view, render_to_string(f"coupons/_verdict_{part}.html", {"view": view})


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", Refusal)
def test_every_refusal_renders_with_its_word_and_one_next_step(reason, language):
    view, page = shown(reason, language)

    assert view["word"] in page and view["next"] in page
    assert view["word"] and view["next"] and "%(" not in view["next"]
    assert page.count("<h1") == 1 and page.count('data-slot="next"') == 1
    assert view["tone"] == {"STOP": "bad", "WAIT": "warn"}[REASON_TEXTS[reason].tone]


@pytest.mark.parametrize("reason", Refusal)
def test_chinese_words_fit_the_screen_and_leave_no_english(reason):
    view, _page = shown(reason, "zh-hans")
    figures = [text for row in view["facts"] for text in row]

    assert 2 <= len(view["word"]) <= 5 and "！" not in view["word"] + view["next"]
    assert not any(LEFT.search(text) for text in (view["word"], view["next"], view["sub"], *figures))
    assert view["word_class"] == ("v-word--5" if len(view["word"]) == 5 else "")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", Refusal)
def test_an_answer_without_figures_still_says_what_to_do(reason, language):
    bare = refused(reason) | {"facts": {"ticket_fen": None} if reason == Refusal.MIN_SPEND else {}}
    with translation.override(language):
        view = show(bare | {"facts": bare["facts"] | KEPT.get(reason, {})}, zone="Asia/Shanghai", now=AT)

    assert view["next"] and "%(" not in view["next"]


KEPT = {Refusal.EXPIRED: {"valid_until": AT.isoformat()}, Refusal.NOT_YET_VALID: {"valid_from": AT.isoformat()}}


@pytest.mark.parametrize(
    ("reason", "step"),
    [
        (Refusal.NOT_YET_VALID, "11月27日 10:42 起可用，请到时再来"),
        (Refusal.WRONG_TIME, "每天 18:00 后可用"),
        (Refusal.WRONG_PRODUCT, "只能买生鲜，烟酒不算"),
        (Refusal.MIN_SPEND, "再买 ¥12.40 就能用"),
        (Refusal.MEMBER_LIMIT, "每人 2 张已用完，改日再来"),
        (Refusal.HELD_ELSEWHERE, "等 95 秒，会自动再查"),
        (Refusal.RATE_LIMITED, "等 20 秒再试"),
        (Refusal.LOCKED_OUT, "请扫码，或等 28 分钟"),
    ],
)
def test_figures_of_the_answer_stand_in_the_next_step(reason, step):
    assert shown(reason, "zh-hans")[0]["next"] == step


def test_all_words_differ():
    words = [shown(reason, "zh-hans")[0]["word"] for reason in Refusal]

    assert len(set(words)) == len(words)
