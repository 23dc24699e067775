import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from members.rules.segment import (
    _VALUES,
    BASE_FIELDS,
    Choice,
    FieldSpec,
    Phrase,
    SegmentRefused,
    normalize,
    sentence,
)
from members.rules.segment_sentence import _PHRASES

CATALOGUE = BASE_FIELDS | {
    "wallet": FieldSpec("wallet", "BOOLEAN", "有钱包", "has a wallet", ("is",)),
    "last_redeemed": FieldSpec("last_redeemed", "DATE", "核销日期", "redeemed", ("before", "since", "between")),
    "batch": FieldSpec(
        "batch",
        "CHOICE",
        "核销过的批次",
        "redeemed batch",
        ("in", "not_in"),
        choices=(Choice(7, "中秋券", "Mooncake"), Choice(8, "国庆券", "October")),
        phrases=(Phrase("in", "核销过{value}", "redeemed {value}"),),
    ),
}
IN_HANGZHOU = {"field": "city", "op": "in", "value": ["杭州"]}
ASLEEP = {"field": "last_purchase_days", "op": "more_than", "value": 30}
FRUIT = {"field": "category", "op": "bought", "value": {"category": "果蔬", "within_days": None}}


def group(op, *rules):
    return {"op": op, "rules": list(rules)}


def leaf(field, op, value=None):
    return {"field": field, "op": op, "value": value}


def test_a_tree_is_read_back_as_one_sentence():
    tree = group("all", leaf("home_store", "in", ["S1", "S0"]), ASLEEP, FRUIT)

    assert sentence(tree, CATALOGUE, "zh-hans") == "归属门店在 S0、S1，且最近一次购买超过 30 天，且买过 果蔬"
    assert (
        sentence(tree, CATALOGUE, "en")
        == "home store is S0 or S1, and last purchase more than 30 days ago, and bought 果蔬"
    )


@pytest.mark.parametrize(
    ("rule", "zh", "en"),
    [
        (leaf("city", "in", ["杭州"]), "城市是杭州", "city is 杭州"),
        (leaf("city", "not_in", ["杭州", "上海"]), "城市不是上海或杭州", "city is not 上海 or 杭州"),
        (leaf("gender", "is", "F"), "性别是女", "gender is female"),
        (leaf("joined_days", "less_than", 7), "入会不到 7 天", "joined less than 7 days ago"),
        (leaf("last_purchase_days", "never"), "从未购买", "never bought"),
        (leaf("purchase_count", "at_least", 3), "购买次数至少 3 次", "number of purchases at least 3"),
        (leaf("spend_fen", "at_most", 123_450), "累计消费至多 1,234.50 元", "spend at most 1,234.50 yuan"),
        (leaf("birthday_month", "in", [10, 9]), "生日在 9 月或 10 月", "birthday in month 9 or month 10"),
        (leaf("age", "between", [20, 30]), "年龄在 20 到 30 岁之间", "age between 20 and 30"),
        (
            leaf("category", "not_bought", {"category": "鲜花", "within_days": 90}),
            "最近 90 天没买过 鲜花",
            "has not bought 鲜花 in the last 90 days",
        ),
        (leaf("rfm_r", "at_least", 4), "R 分（最近购买）至少 4 分", "R score (recency) at least 4"),
        (
            leaf("lifecycle", "in", ["LOST", "DORMANT"]),
            "生命周期是沉睡或流失",
            "lifecycle is dormant or lost",
        ),
        (leaf("kids", "at_least", 1), "孩子数量至少 1 个", "number of children at least 1"),
        (
            leaf("income_band", "in", ["50-74K", "250K+"]),
            "收入段是 250K+ 或 50-74K",
            "income band is 250K+ or 50-74K",
        ),
        (leaf("wallet", "is", True), "有钱包：是", "has a wallet: yes"),
        (
            leaf("last_redeemed", "since", "2026-10-01"),
            "核销日期不早于 2026-10-01",
            "redeemed on or after 2026-10-01",
        ),
        (leaf("batch", "in", [8, 7]), "核销过中秋券或国庆券", "redeemed Mooncake or October"),
        (
            leaf("city", "in", list("甲乙丙丁戊己庚")),
            "城市是丁、丙、乙 等 7 个之一",
            "city is one of 丁, 丙, 乙 and 4 more",
        ),
    ],
)
def test_each_kind_of_rule_has_its_words(rule, zh, en):
    assert sentence(rule, CATALOGUE, "zh-hans") == zh
    assert sentence(rule, CATALOGUE, "en") == en


def test_inner_groups_stand_in_brackets_and_none_denies():
    tree = group("all", group("any", IN_HANGZHOU, FRUIT), group("none", ASLEEP))

    assert sentence(tree, CATALOGUE, "zh-hans") == "（城市是杭州，或买过 果蔬），且不符合（最近一次购买超过 30 天）"
    assert (
        sentence(tree, CATALOGUE, "en")
        == "(city is 杭州, or bought 果蔬), and not (last purchase more than 30 days ago)"
    )


@pytest.mark.parametrize(
    ("tree", "normal"),
    [
        (IN_HANGZHOU, group("all", IN_HANGZHOU)),
        (group("any", IN_HANGZHOU), group("all", IN_HANGZHOU)),
        (group("all", group("all", IN_HANGZHOU, FRUIT), ASLEEP), group("all", IN_HANGZHOU, FRUIT, ASLEEP)),
        (group("all", group("any", group("any", IN_HANGZHOU, FRUIT))), group("any", IN_HANGZHOU, FRUIT)),
        (group("all", group("any", IN_HANGZHOU), FRUIT), group("all", IN_HANGZHOU, FRUIT)),
        (group("none", group("any", IN_HANGZHOU, FRUIT)), group("none", IN_HANGZHOU, FRUIT)),
        (group("all", IN_HANGZHOU, IN_HANGZHOU), group("all", IN_HANGZHOU)),
        (group("all", group("none", FRUIT)), group("none", FRUIT)),
        (group("none", group("none", FRUIT)), group("none", group("none", FRUIT))),
        (leaf("city", "in", ["b", " a ", "b"]), group("all", leaf("city", "in", ["a", "b"]))),
        (leaf("last_purchase_days", "never", "x"), group("all", leaf("last_purchase_days", "never"))),
        ({**IN_HANGZHOU, "id": "r1"}, group("all", IN_HANGZHOU)),
        (
            leaf("category", "bought", {"category": " 果蔬", "color": 1}),
            group("all", FRUIT),
        ),
    ],
)
def test_a_tree_has_a_normal_form(tree, normal):
    assert normalize(tree, CATALOGUE) == normal


def nested(depth):
    tree = group("none", FRUIT)
    for _ in range(depth - 1):
        tree = group("none", tree)
    return tree


@pytest.mark.parametrize(
    ("tree", "code", "path"),
    [
        (None, "MALFORMED", "rules.0"),
        ([], "MALFORMED", "rules.0"),
        ({}, "MALFORMED", "rules.0"),
        (group("xor", FRUIT), "MALFORMED", ""),
        ({"op": "all", "rules": "x"}, "MALFORMED", ""),
        ({"op": ["all"], "rules": [FRUIT]}, "MALFORMED", ""),
        (group("all", 5), "MALFORMED", "rules.0"),
        (group("all"), "EMPTY_GROUP", ""),
        (group("all", FRUIT, group("any")), "EMPTY_GROUP", "rules.1"),
        (group("all", FRUIT, group("any", leaf("shoe", "is", 1))), "UNKNOWN_FIELD", "rules.1.rules.0.field"),
        (group("all", leaf("city", "is", "x")), "UNKNOWN_OP", "rules.0.op"),
        (group("all", leaf("city", ["in"], "x")), "UNKNOWN_OP", "rules.0.op"),
        (nested(5), "TOO_DEEP", "rules.0.rules.0.rules.0.rules.0"),
        (
            group("any", *[leaf("age", "between", [n, n + 1]) for n in range(51)]),
            "TOO_MANY_RULES",
            "rules.50",
        ),
        (leaf("city", "in", []), "BAD_VALUE", "rules.0.value"),
        (leaf("city", "in", "杭州"), "BAD_VALUE", "rules.0.value"),
        (leaf("city", "in", ["", "x"]), "BAD_VALUE", "rules.0.value"),
        (leaf("city", "in", ["a\0"]), "BAD_VALUE", "rules.0.value"),
        (leaf("city", "in", ["x" * 65]), "BAD_VALUE", "rules.0.value"),
        (leaf("city", "in", ["x"] * 501), "BAD_VALUE", "rules.0.value"),
        (leaf("gender", "is", "X"), "BAD_VALUE", "rules.0.value"),
        (leaf("birthday_month", "in", [13]), "BAD_VALUE", "rules.0.value"),
        (leaf("birthday_month", "in", [1.0]), "BAD_VALUE", "rules.0.value"),
        (leaf("birthday_month", "in", [True]), "BAD_VALUE", "rules.0.value"),
        (leaf("purchase_count", "at_least", True), "BAD_VALUE", "rules.0.value"),
        (leaf("purchase_count", "at_least", "3"), "BAD_VALUE", "rules.0.value"),
        (leaf("purchase_count", "at_least", -1), "BAD_VALUE", "rules.0.value"),
        (leaf("purchase_count", "at_least", 1.5), "BAD_VALUE", "rules.0.value"),
        (leaf("rfm_r", "at_least", 6), "BAD_VALUE", "rules.0.value"),
        (leaf("age", "between", [30, 20]), "BAD_VALUE", "rules.0.value"),
        (leaf("age", "between", [30]), "BAD_VALUE", "rules.0.value"),
        (leaf("category", "bought", "果蔬"), "BAD_VALUE", "rules.0.value"),
        (leaf("category", "bought", {"category": "果蔬", "within_days": 0}), "BAD_VALUE", "rules.0.value"),
        (leaf("wallet", "is", 1), "BAD_VALUE", "rules.0.value"),
        (leaf("last_redeemed", "before", "2026-13-01"), "BAD_VALUE", "rules.0.value"),
        (leaf("last_redeemed", "between", ["2026-02-01", "2026-01-01"]), "BAD_VALUE", "rules.0.value"),
    ],
)
def test_what_is_no_segment_is_refused_with_code_and_path(tree, code, path):
    with pytest.raises(SegmentRefused) as refused:
        normalize(tree, CATALOGUE)

    assert (refused.value.code, refused.value.path) == (code, path)
    assert str(refused.value)


def test_four_groups_deep_and_fifty_rules_are_fine():
    assert normalize(nested(4), CATALOGUE) == nested(4)
    assert normalize(group("any", *[leaf("age", "between", [n, 99]) for n in range(50)]), CATALOGUE)


def test_every_op_of_the_catalogue_has_a_value_rule_and_words():
    ops = {op for spec in CATALOGUE.values() for op in spec.ops}

    assert ops <= _VALUES.keys()
    assert _VALUES.keys() == _PHRASES["zh-hans"].keys() == _PHRASES["en"].keys()
    assert all(name == spec.name for name, spec in CATALOGUE.items())


def leaf_values(spec, op):
    number = st.integers(spec.minimum, min(spec.maximum, 10**6))
    text = st.sampled_from(["杭州", "上海", " S1", "S2", "50-74K", "金卡"])
    day = st.dates().map(str)
    if spec.choices:
        one = st.sampled_from([choice.value for choice in spec.choices])
    else:
        one = {"BOOLEAN": st.booleans(), "DATE": day}.get(
            spec.kind, number if spec.kind in {"INTEGER", "MONEY", "DAYS_AGO"} else text
        )
    if op in {"in", "not_in"}:
        return st.lists(one, min_size=1, max_size=9)
    if op in {"bought", "not_bought"}:
        return st.fixed_dictionaries({"category": text, "within_days": st.none() | st.integers(1, 3_650)})
    if op == "between":
        return st.lists(one, min_size=2, max_size=2).map(sorted)
    return st.none() if op == "never" else one


leaves = st.sampled_from([(spec, op) for spec in CATALOGUE.values() for op in spec.ops]).flatmap(
    lambda pair: leaf_values(*pair).map(lambda value: leaf(pair[0].name, pair[1], value))
)


def groups(children):
    return st.builds(
        lambda op, rules: group(op, *rules),
        st.sampled_from(["all", "any", "none"]),
        st.lists(children, min_size=1, max_size=3),
    )


trees = groups(leaves | groups(leaves | groups(leaves)))


@given(tree=trees)
@settings(max_examples=150, deadline=None)
def test_normalizing_twice_changes_nothing(tree):
    before = json.dumps(tree)
    normal = normalize(tree, CATALOGUE)

    assert normalize(normal, CATALOGUE) == normal
    assert normalize(json.loads(json.dumps(normal)), CATALOGUE) == normal
    assert json.dumps(tree) == before


@given(tree=trees)
@settings(max_examples=150, deadline=None)
def test_every_segment_has_a_sentence_in_both_languages(tree):
    for language in ("zh-hans", "en"):
        text = sentence(tree, CATALOGUE, language)
        assert text
        assert "{" not in text
        assert "None" not in text
        assert sentence(normalize(tree, CATALOGUE), CATALOGUE, language) == text


def holds(tree, facts):
    """An oracle: what a tree says, with each leaf looked up in `facts`."""
    if "rules" not in tree:
        return facts[json.dumps(tree, sort_keys=True)]
    answers = [holds(rule, facts) for rule in tree["rules"]]
    return {"all": all(answers), "any": any(answers), "none": not any(answers)}[tree["op"]]


plain = [leaf("kids", "at_least", n) for n in range(4)]
plain_trees = groups(st.sampled_from(plain) | groups(st.sampled_from(plain) | groups(st.sampled_from(plain))))


@given(tree=plain_trees, answers=st.lists(st.booleans(), min_size=4, max_size=4))
@settings(max_examples=200, deadline=None)
def test_the_normal_form_means_the_same(tree, answers):
    facts = {json.dumps(rule, sort_keys=True): answer for rule, answer in zip(plain, answers, strict=True)}

    assert holds(normalize(tree, CATALOGUE), facts) == holds(tree, facts)


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["all", "city", "in"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["op", "rules", "field", "value", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(tree=junk)
@settings(max_examples=200, deadline=None)
def test_any_json_is_read_or_refused(tree):
    try:
        normalize(tree, CATALOGUE)
    except SegmentRefused as refused:
        assert refused.code
