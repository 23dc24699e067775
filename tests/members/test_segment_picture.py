"""Figures of a segment: the count, what each rule leaves, kinds, samples, and why somebody is not in it."""

import random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from foundation.services.phones import hash_phone
from members.models import Member
from members.queries.segment import fact_words, normal_rule, rule_words
from members.queries.segment_person import people_of, verdicts_of
from members.queries.segment_picture import LOTS, estimate_of, picture_of, samples
from members.queries.segment_values import OFFERS
from tests.factories import NOON, make_member, make_store, mobile
from tests.members.test_segment_query import LEAVES, holds, world

pytestmark = pytest.mark.django_db


def plain(rule):
    return normal_rule(rule)["rules"][0]


def random_shape(chooser: random.Random, depth: int = 1):
    """A tree whose rules are in normal form and whose groups are as somebody built them."""
    rules = [
        random_shape(chooser, depth + 1) if depth < 3 and chooser.random() < 0.3 else plain(chooser.choice(LEAVES))
        for _rule in range(chooser.randint(1, 4))
    ]
    return {"op": chooser.choice(["all", "any", "none"]), "rules": rules}


def left_by_hand(node, people, path=()):
    """What each node leaves, in Python: people who came to the group, narrowed rule by rule."""
    found, came = {}, people
    for index in range(len(node["rules"])):
        so_far = {"op": node["op"], "rules": node["rules"][: index + 1]}
        rule = node["rules"][index]
        if "rules" in rule:
            found |= left_by_hand(rule, came if node["op"] == "all" else people, (*path, index))
        stay = [one for one in people if holds(one, so_far)]
        found[(*path, index)] = (len(stay), len(came) - len(stay))
        came = stay
    return found


def test_each_figure_is_what_the_rules_say_in_words():
    members, chooser = world(), random.Random(5)

    for _example in range(60):
        tree = random_shape(chooser)
        picture = picture_of(tree=tree, now=NOON)
        assert picture.picked == sum(holds(one, tree) for one in members), tree
        assert {place: (one.left, one.gone) for place, one in picture.left.items()} == left_by_hand(tree, members), tree
        assert picture.total == len(members) and not picture.is_estimate


def test_the_kinds_add_up_to_the_picked():
    members = world()
    tree = {"op": "all", "rules": [plain({"field": "purchase_count", "op": "at_least", "value": 1})]}

    picture = picture_of(tree=tree, now=NOON)

    for counted in picture.kinds.values():
        assert sum(count for _kind, count in counted) == picture.picked
        assert [count for _kind, count in counted] == sorted((count for _kind, count in counted), reverse=True)
    cities = dict(picture.kinds["city"])
    assert cities["上海"] == sum(one.city == "上海" and one.purchase_count >= 1 for one in members)


def test_all_figures_come_from_one_pass_however_many_rules():
    make_member(1)
    rules = [plain({"field": "purchase_count", "op": "at_least", "value": number}) for number in range(20)]

    with CaptureQueriesContext(
        connection,
    ) as queries:
        picture_of(tree={"op": "all", "rules": rules}, now=NOON)

    assert sum("members_member" in one["sql"] for one in queries) == 1


def test_nobody_is_nobody_and_erased_members_are_not_counted():
    make_member(1, erased_at=NOON)

    picture = picture_of(tree={"op": "all", "rules": [plain(LEAVES[0])]}, now=NOON)

    assert (picture.picked, picture.total, dict(picture.kinds)["city"]) == (0, 0, [])


def test_an_estimate_is_near_and_says_that_it_is_one():
    Member.objects.bulk_create([Member(card_no=f"E{number}", purchase_count=number % 2) for number in range(8_000)])
    tree = {"op": "all", "rules": [plain({"field": "purchase_count", "op": "at_least", "value": 1})]}

    picture = estimate_of(tree=tree, now=NOON)

    assert picture.is_estimate and picture.picked % LOTS == 0
    assert 4_000 * 0.4 < picture.picked < 4_000 * 1.7


def test_samples_are_of_the_segment_the_same_on_every_look_and_others_when_asked():
    for number in range(60):
        make_member(number, city="上海" if number % 2 else "杭州")
    rule = normal_rule({"field": "city", "op": "in", "value": ["上海"]})

    first, again = (samples(rule=rule, now=NOON) for _look in range(2))
    draws = {tuple(one.pk for one in samples(rule=rule, now=NOON, draw=draw)) for draw in range(6)}

    assert first == again and len(first) == 20 and len(set(first)) == 20
    assert {one.city for one in first} == {"上海"}
    assert len(draws) > 1


def test_a_verdict_agrees_with_the_rules_for_every_member():
    members, chooser = world(), random.Random(9)

    for _example in range(30):
        tree = random_shape(chooser)
        verdicts = verdicts_of(people=members, tree=tree, now=NOON)
        assert [one.holds for one in verdicts] == [holds(member, tree) for member in members]
        for member, verdict in zip(members, verdicts, strict=True):
            assert [one.holds for one in verdict.rules] == [holds(member, rule) for rule in tree["rules"]]
            assert all(one.is_wanted == (one.holds != (tree["op"] == "none")) for one in verdict.rules)


def test_every_fact_has_words_for_everybody():
    members = world()

    for leaf in map(plain, LEAVES):
        tree = {"op": "all", "rules": [leaf]}
        for verdict in verdicts_of(people=members, tree=tree, now=NOON):
            for language in ("zh-hans", "en"):
                words = fact_words(leaf, verdict.rules[0].fact, language)
                assert words and "None" not in words
                assert rule_words(leaf, language)


def test_people_are_found_by_phone_and_by_card():
    make_member(1)
    make_member(2, phone=mobile(1))
    make_member(3, erased_at=NOON)

    assert [one.card_no for one in people_of(phone_hash=hash_phone(mobile(1)))] == ["M1", "M2"]
    assert [one.card_no for one in people_of(card_no="M2")] == ["M2"]
    assert people_of(card_no="M3") == []


def test_answers_are_offered_once_each_and_in_order():
    for number, city in enumerate(["杭州", "上海", "杭州", "", "宁波"]):
        make_member(number, city=city, level="金卡" if number else "")
    make_store("S2", city="杭州")

    assert [one.value for one in OFFERS["city"]()] == sorted(["杭州", "上海", "宁波"])
    assert [one.value for one in OFFERS["level"]()] == ["金卡"]
    assert [(one.value, one.label_zh) for one in OFFERS["home_store"]()] == [("S2", "门店S2 · 杭州 · S2")]
    assert list(OFFERS["category"]()) == []
