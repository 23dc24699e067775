"""Row scope: what belongs to another store is not there, whichever way it is asked for."""

import threading

import pytest
from django.apps import apps
from django.db import connection

from campaigns.models import RunPlace
from coupons.models import Redemption, RedemptionAttempt, Reversal, Shift
from foundation.db import fetch_all
from foundation.row_scope import OutsideScope, each_limited_to, is_store_bound, limited_to, stores_in_scope
from members.models import CategoryPurchase, Member, Order, OrderLine, Store, StoreScope
from tests.factories import make_member, make_store
from tests.two_stores import make_shops

pytestmark = pytest.mark.django_db
BOUND = (
    Store, StoreScope, Member, Order, OrderLine, CategoryPurchase, Shift, Redemption, Reversal, RedemptionAttempt,
    RunPlace,
)  # fmt: skip
NAMING = {
    "members.rolegrant": "the stores that a role was asked for; the page shows one's own",
    "coupons.couponterms": "where a batch can be redeemed; its pages are closed to who sees some stores only",
}


def test_every_model_that_names_a_store_is_bound_to_it():
    naming = {
        model for model in apps.get_models()
        for field in model._meta.get_fields()
        if field.related_model is Store and field.concrete and not field.auto_created
        and model._meta.label_lower not in NAMING
    }  # fmt: skip

    assert {model for model in naming if not is_store_bound(model)} == set()
    assert {model for model in apps.get_models() if is_store_bound(model)} == set(BOUND)


@pytest.mark.usefixtures("committed")
def test_each_bound_model_shows_the_rows_of_the_stores_in_scope_alone():
    own, foreign, _run = make_shops()
    everything = {model: set(model.objects.values_list("pk", flat=True)) for model in BOUND}

    with limited_to(frozenset({own.store.pk})):
        mine = {model: set(model.objects.values_list("pk", flat=True)) for model in BOUND}
        assert not Member.objects.filter(pk=foreign.member.pk).exists() and foreign.store.members.count() == 0
        assert foreign.member.orders.count() == 0 and own.member.orders.count() == 1
    with limited_to(frozenset({foreign.store.pk})):
        theirs = {model: set(model.objects.values_list("pk", flat=True)) for model in BOUND}
    with limited_to(frozenset()):
        assert not any(model.objects.exists() for model in BOUND)

    for model in BOUND:
        assert mine[model] and theirs[model] and not mine[model] & theirs[model], model
        assert mine[model] | theirs[model] <= everything[model] == set(model.objects.values_list("pk", flat=True))


def test_a_statement_of_our_own_must_take_the_stores():
    store = make_store()
    with limited_to(frozenset({store.pk})):
        with pytest.raises(OutsideScope, match="members_store"):
            fetch_all("SELECT name FROM members_store")
        with pytest.raises(OutsideScope), connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM members_member m JOIN members_store s ON s.id = m.home_store_id")
        with pytest.raises(OutsideScope):
            fetch_all("SELECT name FROM members_store WHERE code = %(code)s", {"code": "S1"})
        named = "SELECT name FROM members_store WHERE id = ANY(%(stores)s)"
        assert fetch_all(named, {"stores": sorted(stores_in_scope())}) == [(store.name,)]
        with limited_to(None):
            assert fetch_all("SELECT count(*) FROM members_store") == [(1,)]
    assert fetch_all("SELECT count(*) FROM members_store") == [(1,)]


def test_the_scope_ends_with_its_block_whatever_happens():
    with pytest.raises(ZeroDivisionError), limited_to(frozenset({1})):
        _ = 1 / 0
    assert stores_in_scope() is None

    seen = []
    with limited_to(frozenset({1})):
        thread = threading.Thread(target=lambda: seen.append(stores_in_scope()))
        thread.start()
        thread.join()
    assert seen == [None]


def test_an_answer_in_parts_is_made_within_the_scope_and_leaves_none_behind():
    store = make_store()
    make_member(1, home_store=store)
    make_member(2, home_store=make_store("S2"))

    def parts():
        for _part in range(2):
            yield b",".join(str(pk).encode() for pk in Member.objects.values_list("home_store_id", flat=True))

    found = []
    for part in each_limited_to(frozenset({store.pk}), parts()):
        assert stores_in_scope() is None
        found.append(part)

    assert found == [str(store.pk).encode()] * 2
