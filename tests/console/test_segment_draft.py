"""The draft of a segment: from a form and back, rearranged, judged rule by rule."""

import random
from html.parser import HTMLParser

import pytest
from django.http import QueryDict
from django.template.loader import render_to_string
from hypothesis import given, settings
from hypothesis import strategies as st

from console.workplaces.segment_draft import MOST_NODES, Group, Leaf, at, edit, key_of, nodes, path_of, read
from console.workplaces.segment_form import Judged, draft_of, judge
from console.workplaces.segment_rows import Drawing, Option, field_names, matching, settle
from console.workplaces.segment_starters import STARTERS
from members.models import CategoryPurchase
from members.queries.segment import catalogue, normal_rule
from members.rules.segment import normalize
from tests.factories import NOON, make_member, make_store
from tests.members.rules.test_segment import CATALOGUE, group, leaf, trees


class Controls(HTMLParser):
    """What a browser would send of a piece of a form, buttons left out."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.sent = QueryDict(mutable=True)
        self._select = self._textarea = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        facts = dict(attrs)
        if tag == "input" and (facts.get("type") != "checkbox" or "checked" in facts):
            self.sent.appendlist(facts["name"], facts.get("value") or "")
        elif tag == "select":
            self._select = facts["name"]
        elif tag == "option" and (self._select not in self.sent or "selected" in facts):
            self.sent.setlist(self._select, [facts["value"]])
        elif tag == "textarea":
            self._textarea = facts["name"]

    def handle_data(self, data):
        if self._textarea:
            self.sent.appendlist(self._textarea, data)
            self._textarea = ""


def rendered(draft: Group) -> str:
    root = Drawing(Judged(None, {}), None, None).row(draft)
    return render_to_string("console/_segment_rules.html", {"root": root, "fields": field_names(), "may_edit": True})


@given(tree=trees)
@settings(max_examples=150, deadline=None)
def test_a_tree_survives_its_draft(tree):
    normal = normalize(tree, CATALOGUE)

    judged = judge(draft_of(normal, CATALOGUE), CATALOGUE)

    assert judged.errors == {}
    assert judged.tree is not None and normalize(judged.tree, CATALOGUE) == normal


@pytest.mark.django_db
def test_what_the_page_draws_comes_back_as_the_same_tree():
    stores = [make_store(f"S{number}", city="杭州").code for number in range(60)]
    member = make_member(1, city="杭州", level="金卡", income_band="高")
    CategoryPurchase.objects.create(member=member, category="果蔬", last_bought_at=NOON, order_count=1, spend_fen=1)
    leaves = [
        leaf("city", "in", ["上海", "杭州"]),
        leaf("home_store", "in", stores[:3]), leaf("home_store", "not_in", stores),
        leaf("gender", "is", ""), leaf("level", "in", ["金卡"]), leaf("joined_days", "less_than", 7),
        leaf("last_purchase_days", "never"), leaf("purchase_count", "at_least", 3), leaf("spend_fen", "at_most", 8850),
        leaf("birthday_month", "in", [1, 12]), leaf("age", "between", [20, 30]),
        leaf("category", "bought", {"category": "果蔬", "within_days": None}),
        leaf("category", "not_bought", {"category": "果蔬", "within_days": 90}), leaf("rfm_m", "at_least", 5),
        leaf("lifecycle", "in", ["LOST"]), leaf("coupon_redeemed", "in", ["国庆券"]),
    ]  # fmt: skip
    chooser = random.Random(3)

    for _example in range(25):
        pick = [chooser.choice(leaves) for _rule in range(5)]
        tree = normal_rule(group("all", *pick[:2], group("none", pick[2], group("any", *pick[3:]))))
        draft = draft_of(tree, catalogue())
        settle(draft)
        again = read(Controls(rendered(draft)).sent.lists())
        assert normal_rule(judge(again, catalogue()).tree) == tree


@pytest.mark.parametrize("place", ["", ".0", ".2", ".2.0"])
def test_adding_puts_a_rule_at_the_end_of_a_group_and_the_keyboard_on_it(place):
    draft = Group("all", [Leaf("city"), Leaf("kids"), Group("any", [Leaf("age")])])
    before = len(list(nodes(draft)))

    focus = edit(draft, f"add{place}")

    is_group = place in ("", ".2")
    assert len(list(nodes(draft))) == before + is_group
    assert (focus is not None) == is_group
    if focus:
        assert at(draft, focus[0]) == Leaf()


def test_rules_move_among_their_own_and_the_keyboard_stays_on_them():
    draft = Group("all", [Leaf("city"), Leaf("kids"), Leaf("age")])

    assert edit(draft, "down.0") == ((1,), "down")
    assert edit(draft, "down.1") == ((2,), "up")
    assert edit(draft, "down.2") is None and edit(draft, "up.0") is None
    assert [rule.field for rule in draft.rules] == ["kids", "age", "city"]


def test_deleting_leaves_the_keyboard_on_a_neighbour_or_on_the_button():
    draft = Group("all", [Leaf("city"), Group("any", [Leaf("kids")])])

    assert edit(draft, "drop.1.0") == ((1,), "add")
    assert edit(draft, "drop.1") == ((0,), "field")
    assert edit(draft, "drop") is None and edit(draft, "drop.7") is None
    assert draft == Group("all", [Leaf("city")])


def test_groups_are_offered_only_so_deep_as_the_grammar_allows():
    draft = Group("all", [Leaf("city")])

    focus = edit(draft, "group")
    for _deeper in range(5):
        focus = focus and edit(draft, f"group{''.join(f'.{number}' for number in focus[0][:-1])}")

    assert max(len(path) for path, _node in nodes(draft)) == 4
    assert focus is None


commands = st.builds(
    lambda act, path: "".join((act, *(f".{number}" for number in path))),
    st.sampled_from(["add", "group", "drop", "up", "down", "take", "x"]),
    st.lists(st.integers(0, 3), max_size=4),
)


@given(steps=st.lists(commands, max_size=30))
@settings(max_examples=150, deadline=None)
def test_no_button_breaks_the_tree(steps):
    draft = Group("all", [Leaf("city", "in", ["杭州"])])

    for step in steps:
        focus = edit(draft, step)
        assert focus is None or at(draft, focus[0]) is not None
        assert sum(1 for _node in nodes(draft)) <= MOST_NODES

    judged = judge(draft, CATALOGUE)
    assert (judged.tree is None) == bool(judged.errors)


@given(form=st.dictionaries(st.from_regex(r"n(\.\d{1,3}){0,9}\.(is|field|op|value|days)", fullmatch=True),
                            st.lists(st.text(max_size=5), max_size=3), max_size=20))  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_any_form_is_read_and_judged(form):
    draft = read(form.items())
    judged = judge(draft, CATALOGUE)

    assert (judged.tree is None) == bool(judged.errors)


def test_another_field_forgets_the_answers_of_the_last_one():
    sent = {"n.is": ["all"], "n.0.field": ["city"], "n.0.was": ["level"], "n.0.op": ["in"], "n.0.value": ["金卡"]}

    assert read(sent.items()) == Group("all", [Leaf("city")])


def test_each_rule_has_its_own_fault():
    draft = Group("all", [
        Leaf("city", "in", ["杭州"]), Leaf(), Leaf("spend_fen", "at_least", ["十元"]), Group("any", []),
        Group("any", [Leaf("age", "between", ["30", "20"]), Leaf("kids", "at_least", [""])]),
    ])  # fmt: skip

    assert judge(draft, CATALOGUE).errors == {
        (1,): "UNFILLED", (2,): "BAD_VALUE", (3,): "EMPTY_GROUP", (4, 0): "BAD_VALUE", (4, 1): "UNFILLED",
    }  # fmt: skip
    assert judge(Group("all", []), CATALOGUE).errors == {(): "EMPTY_GROUP"}


def test_too_many_rules_are_told_at_the_one_that_is_too_many():
    draft = Group("any", [Leaf("age", "between", [str(number), "99"]) for number in range(51)])

    assert judge(draft, CATALOGUE).errors == {(50,): "TOO_MANY_RULES"}


def test_names_of_places_lead_back():
    assert (key_of((0, 2)), path_of(".0.2"), key_of(())) == ("n.0.2", (0, 2), "n")


def test_a_search_finds_what_holds_every_word_and_is_not_chosen_yet():
    options = [
        Option("S1", "西湖店 · 杭州", False),
        Option("S2", "武林店 · 杭州", True),
        Option("S3", "西湖店 · 宁波", False),
    ]

    assert [one.value for one in matching(options, "西湖 杭州")] == ["S1"]
    assert [one.value for one in matching(options, "s3")] == ["S3"]
    assert matching(options, "杭州")[0].value == "S1" and matching(options, " ") == []


@pytest.mark.django_db
def test_ready_segments_are_complete_where_there_are_members():
    member = make_member(1, city="杭州")
    CategoryPurchase.objects.create(member=member, category="果蔬", last_bought_at=NOON, order_count=1, spend_fen=1)

    assert len(STARTERS) == 6
    for one in STARTERS:
        assert judge(one.draft(), catalogue()).errors == {}, one.slug
