"""Rights for a time: asked for by one, granted by another, over by themselves."""

import time
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction

from console import permissions
from foundation import clock
from foundation.errors import HasMoved, NotAllowed
from foundation.models import AuditEntry, Operator, Session
from members.models import GrantState, RoleGrant, StoreScope
from members.queries.stores import may_undo_in, scope_of, stores_of, works_in
from members.services import grants
from members.services.grants import GrantRefused
from tests.factories import NOON, make_operator, make_store

pytestmark = pytest.mark.django_db
WEEK = timedelta(days=7)


@pytest.fixture(autouse=True)
def roles(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    permissions.sync()
    monkeypatch.setattr(clock, "now", lambda: NOON)


def of_role(role: str) -> Operator:
    operator = make_operator(is_staff=True)
    operator.groups.add(Group.objects.get(name=role))
    return operator


def asked(by: Operator, *, role: str = "approver", until=NOON + WEEK, stores=(), reason: str = "周楠休假") -> RoleGrant:
    return grants.ask(role=role, store_ids=stores, until=until, reason=reason, by=by, now=NOON)


def may(operator: Operator, permission: str) -> bool:
    return Operator.objects.get(pk=operator.pk).has_perm(permission)


def test_a_granted_role_gives_its_permissions_until_its_end_and_nobody_has_to_end_it(monkeypatch):
    person, it = of_role("analyst"), of_role("it")
    grant = asked(person)
    assert not may(person, "campaigns.approve_campaign")

    grants.decide(grant_id=grant.pk, is_granted=True, note="", by=it, now=NOON)

    assert may(person, "campaigns.approve_campaign") and may(person, "campaigns.view_report")
    monkeypatch.setattr(clock, "now", lambda: NOON + WEEK - timedelta(microseconds=1))
    assert may(person, "campaigns.approve_campaign")
    monkeypatch.setattr(clock, "now", lambda: NOON + WEEK)
    assert not may(person, "campaigns.approve_campaign") and may(person, "campaigns.view_report")
    actions = AuditEntry.objects.filter(subject=f"foundation.operator:{person.pk}").values_list("action", "actor_id")
    assert list(actions.order_by("id")) == [("grant.asked", person.pk), ("grant.granted", it.pk)]


def test_stores_come_and_go_with_the_grant():
    person, it, store, other = of_role("area_manager"), of_role("it"), make_store("A"), make_store("B")
    grant = asked(person, role="store_manager", stores=[store.pk])
    assert scope_of(operator=person, now=NOON) == frozenset()

    grants.decide(grant_id=grant.pk, is_granted=True, note="", by=it, now=NOON)

    assert scope_of(operator=person, now=NOON) == {store.pk}
    assert stores_of(operator_id=person.pk, now=NOON) == [store]
    assert works_in(operator_id=person.pk, store_id=store.pk, now=NOON)
    assert not works_in(operator_id=person.pk, store_id=other.pk, now=NOON)
    assert scope_of(operator=person, now=NOON + WEEK) == frozenset()
    assert stores_of(operator_id=person.pk, now=NOON + WEEK) == []
    assert scope_of(operator=it, now=NOON) is None


def test_a_right_in_one_store_gives_nothing_in_the_others():
    own, other, boss = make_store("OWN"), make_store("OTHER"), of_role("it")
    clerk, watcher = of_role("clerk"), of_role("area_manager")
    for person in (clerk, watcher):
        StoreScope.objects.create(operator=person, store=own)
        grant = asked(person, role="store_manager", stores=[other.pk])
        grants.decide(grant_id=grant.pk, is_granted=True, note="", by=boss, now=NOON)
    clerk, watcher = (Operator.objects.get(pk=one.pk) for one in (clerk, watcher))

    assert clerk.has_perm("coupons.reverse_in_store") and watcher.has_perm("coupons.redeem")
    assert [may_undo_in(operator=clerk, store_id=one.pk, now=NOON) for one in (own, other)] == [False, True]
    assert stores_of(operator_id=clerk.pk, now=NOON) == [other, own]
    assert stores_of(operator_id=watcher.pk, now=NOON) == [other]
    assert scope_of(operator=watcher, now=NOON) == {own.pk, other.pk}
    assert not may_undo_in(operator=clerk, store_id=other.pk, now=NOON + WEEK)


def test_nobody_decides_on_their_own_wish_not_even_past_the_service():
    it = of_role("it")
    grant = asked(it)
    with pytest.raises(NotAllowed):
        grants.decide(grant_id=grant.pk, is_granted=True, note="", by=it, now=NOON)
    with pytest.raises(IntegrityError, match="grant_by_another"), transaction.atomic():
        RoleGrant.objects.filter(pk=grant.pk).update(state="GRANTED", decided_by=it, decided_at=NOON)
    with pytest.raises(IntegrityError, match="grant_decided_by_somebody"), transaction.atomic():
        RoleGrant.objects.filter(pk=grant.pk).update(state="GRANTED")
    with pytest.raises(NotAllowed):
        grants.decide(grant_id=grant.pk, is_granted=True, note="", by=of_role("approver"), now=NOON)
    assert not may(it, "campaigns.approve_campaign")


@pytest.mark.parametrize("until", [NOON, NOON - WEEK, NOON + timedelta(days=93)])
def test_an_end_that_is_past_or_far_is_refused(until):
    with pytest.raises(GrantRefused):
        asked(of_role("analyst"), until=until)
    assert not RoleGrant.objects.exists()


def test_a_reason_is_needed_and_one_wish_at_a_time():
    person = of_role("analyst")
    with pytest.raises(GrantRefused):
        asked(person, reason="  ")
    asked(person)
    with pytest.raises(GrantRefused):
        asked(person)
    asked(person, role="finance")
    assert RoleGrant.objects.count() == 2


def test_a_refusal_needs_a_note_and_is_final():
    person, it = of_role("analyst"), of_role("it")
    grant = asked(person)
    with pytest.raises(GrantRefused):
        grants.decide(grant_id=grant.pk, is_granted=False, note=" ", by=it, now=NOON)
    grants.decide(grant_id=grant.pk, is_granted=False, note="不需要", by=it, now=NOON)
    with pytest.raises(HasMoved):
        grants.decide(grant_id=grant.pk, is_granted=True, note="", by=it, now=NOON)
    with pytest.raises(HasMoved):
        grants.withdraw(grant_id=grant.pk, by=person, now=NOON)
    assert not may(person, "campaigns.approve_campaign")


def test_only_who_asked_takes_it_back():
    person = of_role("analyst")
    grant = asked(person)
    with pytest.raises(NotAllowed):
        grants.withdraw(grant_id=grant.pk, by=of_role("it"), now=NOON)
    grants.withdraw(grant_id=grant.pk, by=person, now=NOON)
    grant.refresh_from_db()
    assert grant.state == GrantState.WITHDRAWN


def test_a_right_that_is_ended_early_gives_nothing_and_ends_work_in_its_stores(client):
    person, it, store = of_role("analyst"), of_role("it"), make_store()
    grant = asked(person, role="store_manager", stores=[store.pk])
    grants.decide(grant_id=grant.pk, is_granted=True, note="", by=it, now=NOON)
    client.force_login(person)
    session = client.session
    session["begun_at"] = time.time()
    session.save()
    assert Session.objects.filter(operator_id=person.pk).exists()

    with pytest.raises(NotAllowed):
        grants.end(grant_id=grant.pk, by=of_role("marketing"), now=NOON)
    grants.end(grant_id=grant.pk, by=it, now=NOON)

    assert not may(person, "coupons.redeem") and stores_of(operator_id=person.pk, now=NOON) == []
    assert not Session.objects.filter(operator_id=person.pk).exists()
    with pytest.raises(HasMoved):
        grants.end(grant_id=grant.pk, by=it, now=NOON)


def naive_decide(grant_id: int, by: Operator) -> None:
    """Look, then write: what the real service must not do."""
    if RoleGrant.objects.get(pk=grant_id).state == GrantState.ASKED:
        time.sleep(0.2)
        RoleGrant.objects.filter(pk=grant_id).update(state=GrantState.GRANTED, decided_by=by, decided_at=NOON)
        return
    raise HasMoved


@pytest.mark.race
@pytest.mark.usefixtures("committed")
@pytest.mark.parametrize(("is_naive", "winners"), [(False, 1), (True, 4)])
def test_of_four_who_decide_at_once_one_does(race, is_naive, winners):
    permissions.sync()
    grant, deciders = asked(of_role("analyst")), [of_role("it") for _number in range(4)]

    def decide(number: int) -> None:
        if is_naive:
            naive_decide(grant.pk, deciders[number])
        else:
            grants.decide(grant_id=grant.pk, is_granted=number % 2 == 0, note="x", by=deciders[number], now=NOON)

    wins, refusals = race(decide, 4)

    assert len(wins) == winners and {type(one) for one in refusals} <= {HasMoved}
