import random
from datetime import date, timedelta

import pytest
from django.db import connection

from members.models import CategoryPurchase, Member
from members.queries import segment
from members.queries.segment import COMPILERS, members_of, normal_rule
from members.rules.segment import BASE_FIELDS
from tests.factories import NOON, make_member, make_store

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 20)
WORDS = ["上海", "杭州", "O'Brien%s", "'; DROP TABLE members_member; --"]


def world() -> list[Member]:
    """Forty members with every fact known, unknown, and on each side of a bound."""
    pick = random.Random(7).choice
    stores = [make_store(code) for code in ("S1", "S2")]
    for number in range(40):
        days = pick([None, 0, 5, 29, 30, 31, 400])
        member = make_member(
            number, consent=None, phone=None, city=pick(["", *WORDS]), level=pick(["", "金", "银"]),
            home_store=pick([None, *stores]), gender=pick(["", "M", "F"]), income_band=pick(["", "高"]),
            birthday=pick([None, date(1990, 11, 20), date(1990, 11, 21), date(1996, 2, 29), date(2008, 5, 1)]),
            joined_at=None if days is None else NOON - timedelta(days=days),
            last_purchase_at=pick([None, NOON, NOON - timedelta(days=30), NOON - timedelta(days=60)]),
            purchase_count=pick([0, 1, 5]), spend_fen=pick([0, 999, 1_000]), rfm_r=pick([1, 3, 5]),
            rfm_f=pick([1, 3]), rfm_m=pick([1, 5]), lifecycle=pick(["PROSPECT", "NEW", "LOST"]),
            household_size=pick([None, 1, 4]), kids=pick([None, 0, 2]),
        )  # fmt: skip
        for category in ("水果", "酒"):
            if ago := pick([None, 3, 30, 90]):
                CategoryPurchase.objects.create(
                    member=member,
                    category=category,
                    last_bought_at=NOON - timedelta(days=ago),
                    order_count=1,
                    spend_fen=1,
                )
    return list(Member.objects.select_related("home_store").prefetch_related("categories").order_by("id"))


def age(birthday: date) -> int:
    return TODAY.year - birthday.year - ((TODAY.month, TODAY.day) < (birthday.month, birthday.day))


def fact(member: Member, field: str):
    """What a member is to a field, in Python."""
    instants = {"joined_days": member.joined_at, "last_purchase_days": member.last_purchase_at}
    if field in instants:
        return instants[field]
    if field == "age":
        return None if member.birthday is None else age(member.birthday)
    if field == "birthday_month":
        return None if member.birthday is None else member.birthday.month
    if field == "home_store":
        return member.home_store.code if member.home_store else None
    return getattr(member, field)


def holds(member: Member, rule) -> bool:
    """The meaning of a rule, in Python."""
    if "rules" in rule:
        answers = [holds(member, one) for one in rule["rules"]]
        return {"all": all(answers), "any": any(answers), "none": not any(answers)}[rule["op"]]
    op, value = rule["op"], rule["value"]
    if op in ("bought", "not_bought"):
        limit = NOON - timedelta(days=value["within_days"] or 40_000)
        bought = any(
            one.category == value["category"] and one.last_bought_at >= limit for one in member.categories.all()
        )
        return bought == (op == "bought")
    known = fact(member, rule["field"])
    if op == "never":
        return known is None
    if op == "not_in":
        return known not in value
    if known is None:
        return False
    return {
        "in": lambda: known in value,
        "is": lambda: known == value,
        "at_least": lambda: known >= value,
        "at_most": lambda: known <= value,
        "more_than": lambda: known < NOON - timedelta(days=value),
        "less_than": lambda: known >= NOON - timedelta(days=value),
        "between": lambda: value[0] <= known <= value[1],
    }[op]()


def values_for(name: str, op: str) -> list:
    spec = BASE_FIELDS[name]
    if op == "never":
        return [None]
    if op in ("bought", "not_bought"):
        return [{"category": "水果", "within_days": days} for days in (None, 30, 31)]
    if op == "between":
        return [[18, 36], [36, 36], [35, 35], [30, 30], [0, 150]]
    if spec.kind == "DAYS_AGO":
        return [0, 30, 31]
    choices = [choice.value for choice in spec.choices] or {"STORE": ["S1", "S9"]}.get(spec.kind, [*WORDS, "金", "高"])
    if op in ("in", "not_in"):
        return [choices, choices[:1]]
    return choices if op == "is" else [0, 1, 2, 3, 4, 5, 999, 1_000]


LEAVES = [
    {"field": name, "op": op, "value": value}
    for name, spec in BASE_FIELDS.items()
    for op in spec.ops
    for value in values_for(name, op)
    if not isinstance(value, int) or spec.minimum <= value <= spec.maximum
]


def picked(rule) -> set[int]:
    return set(members_of(rule=normal_rule(rule), now=NOON).values_list("id", flat=True))


def test_every_field_has_a_compiler():
    assert set(COMPILERS) == set(BASE_FIELDS)


def test_every_question_means_the_same_in_sql_as_in_words():
    members = world()

    for leaf in LEAVES:
        wanted = {one.pk for one in members if holds(one, normal_rule(leaf))}
        assert picked(leaf) == wanted, leaf


def random_tree(chooser: random.Random, depth: int = 1):
    if depth == 4 or chooser.random() < 0.35:
        return chooser.choice(LEAVES)
    rules = [random_tree(chooser, depth + 1) for _rule in range(chooser.randint(1, 3))]
    return {"op": chooser.choice(["all", "any", "none"]), "rules": rules}


def test_groups_of_all_any_and_none_mean_the_same_in_sql_as_in_words_unknown_facts_included():
    members, chooser = world(), random.Random(11)

    for _example in range(300):
        tree = random_tree(chooser)
        wanted = {one.pk for one in members if holds(one, normal_rule(tree))}
        assert picked(tree) == wanted, tree


def test_nobody_erased_is_ever_picked():
    make_member(1, erased_at=NOON)

    assert picked({"field": "purchase_count", "op": "at_least", "value": 0}) == set()


@pytest.mark.parametrize(
    ("instant", "ages"),
    [
        (NOON.replace(hour=15, minute=59), [30, 30]),  # 23:59 in Shanghai: still the 20th
        (NOON.replace(hour=16, minute=0), [31, 31]),  # 00:00 in Shanghai: the birthday
    ],
)
def test_a_birthday_begins_at_midnight_in_shanghai(instant, ages):
    member = make_member(1, birthday=date(1995, 11, 21))

    found = members_of(rule=normal_rule({"field": "age", "op": "between", "value": ages}), now=instant)

    assert list(found) == [member]


def test_ages_are_exact_on_the_last_days_of_a_month_and_on_a_leap_day():
    member = make_member(1, birthday=date(1996, 2, 29))

    def ages_at(day: str) -> list[int]:
        now = NOON.fromisoformat(f"{day}T12:00:00+08:00")
        tree = {"field": "age", "op": "between"}
        return [n for n in range(25, 35) if members_of(rule=normal_rule({**tree, "value": [n, n]}), now=now).exists()]

    assert (ages_at("2026-02-28"), ages_at("2026-03-01"), ages_at("2028-02-29")) == ([29], [30], [32])
    Member.objects.filter(pk=member.pk).update(birthday=date(1996, 10, 30))
    assert (ages_at("2026-10-29"), ages_at("2026-10-30"), ages_at("2026-10-31")) == ([29], [30], [30])


def test_values_are_parameters_and_never_sql():
    make_member(1, city="上海")
    for evil in WORDS[2:]:
        assert segment.count(rule=normal_rule({"field": "city", "op": "in", "value": [evil]}), now=NOON) == 0

    assert "members_member" in connection.introspection.table_names()
    assert Member.objects.count() == 1
