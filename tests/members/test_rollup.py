from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from foundation.db import fetch_value
from members.models import CategoryPurchase, Member, Order, OrderLine
from members.rules import rfm
from members.services.rollup import roll_up
from tests.factories import NOON, make_member

ages = st.integers(-2, 500 * 24)  # hours before now; a few orders lie in the future
worlds = st.lists(
    st.tuples(
        st.one_of(st.none(), st.integers(0, 90)),  # joined so many days ago
        st.lists(st.tuples(ages, st.integers(0, 50_000)), max_size=6),
    ),
    min_size=1,
    max_size=8,
)


def percentiles(values: list[int]) -> list[int]:
    """The quintiles of some values, as PostgreSQL's percentile_disc has them; [] for none."""
    ranked = sorted(values)
    return [ranked[-(-len(ranked) * fifth // 5) - 1] for fifth in (1, 2, 3, 4)] if ranked else []


def expected(world) -> list[tuple]:
    """The same facts from the pure rules."""
    window = rfm.FREQUENCY_WINDOW_DAYS * 24
    past = [[(hours, fen) for hours, fen in orders if hours >= 0] for _joined, orders in world]
    recent = [[fen for hours, fen in orders if hours < window] for orders in past]
    f_bounds = percentiles([len(fens) for fens in recent if fens])
    m_bounds = percentiles([sum(fens) for fens in recent if fens])
    rows = []
    for (joined, _orders), orders, fens in zip(world, past, recent, strict=True):
        days = min(hours for hours, _fen in orders) // 24 if orders else None
        bands = rfm.bands(
            recency_days=days,
            frequency=len(fens),
            money_fen=sum(fens),
            frequency_bounds=f_bounds,
            money_bounds=m_bounds,
        )
        stage = rfm.lifecycle(joined_days=joined, last_purchase_days=days, purchase_count=len(orders))
        rows.append((len(orders), sum(fen for _hours, fen in orders), bands.r, bands.f, bands.m, stage))
    return rows


class RollUpEqualsTheRules(TestCase):
    """Hypothesis needs a transaction of its own for each example."""

    @settings(max_examples=60, deadline=None)
    @given(worlds)
    def test_the_statement_equals_the_rules_on_any_small_world(self, world):
        for number, (joined, orders) in enumerate(world):
            joined_at = None if joined is None else NOON - timedelta(days=joined)
            member = make_member(number, consent=None, phone=None, joined_at=joined_at)
            Order.objects.bulk_create(
                Order(order_no=f"{number}-{i}", member=member, paid_at=NOON - timedelta(hours=hours), amount_fen=fen)
                for i, (hours, fen) in enumerate(orders)
            )

        roll_up(now=NOON)

        found = Member.objects.order_by("id").values_list(
            "purchase_count", "spend_fen", "rfm_r", "rfm_f", "rfm_m", "lifecycle"
        )
        assert list(found) == expected(world)
        assert roll_up(now=NOON) == 0


@pytest.mark.django_db
def test_categories_are_rolled_up_per_member_and_forgotten_with_their_lines():
    member = make_member(1)
    order = Order.objects.create(order_no="N1", member=member, paid_at=NOON - timedelta(days=2), amount_fen=300)
    later = Order.objects.create(order_no="N2", member=member, paid_at=NOON - timedelta(days=1), amount_fen=50)
    for basket, sku, category, fen in [
        (order, "a", "水果", 100),
        (order, "b", "水果", 200),
        (later, "a", "水果", 50),
        (later, "c", "", 9),
    ]:
        OrderLine.objects.create(order=basket, sku=sku, category=category, quantity_milli=1_000, amount_fen=fen)

    roll_up(now=NOON)

    facts = CategoryPurchase.objects.values_list("category", "last_bought_at", "order_count", "spend_fen")
    assert list(facts) == [("水果", later.paid_at, 2, 350)]
    OrderLine.objects.all().delete()
    roll_up(now=NOON)
    assert not CategoryPurchase.objects.exists()


@pytest.mark.race
@pytest.mark.usefixtures("committed")
def test_two_roll_ups_at_once_do_not_deadlock(race):
    for number in range(50):
        member = make_member(number, consent=None, phone=None)
        Order.objects.create(order_no=f"N{number}", member=member, paid_at=NOON, amount_fen=number)

    changed, faults = race(lambda _number: roll_up(now=NOON), 4)

    assert (faults, sorted(changed)) == ([], [0, 0, 0, 50])
    assert fetch_value("SELECT count(*) FROM members_member WHERE purchase_count = 1") == 50
