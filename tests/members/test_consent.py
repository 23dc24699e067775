from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from foundation.models import AuditEntry
from foundation.services.phones import hash_phone
from members.models import Consent, ConsentEvent, PhoneGate, PreferenceLink, Suppression
from members.queries.consent import suppressed_at
from members.services import preference, suppression
from members.services.consent import grant, lock_gates, opt_out
from tests.factories import NOON, make_operator, mobile

pytestmark = pytest.mark.django_db
PHONE, OTHER = "13900000001", "13900000002"


def facts(number: int = 1):
    return {"phone_hash": hash_phone(mobile(number)), "source": "REPLY", "proof": f"reply:{number}", "now": NOON}


def test_an_opt_out_is_one_event_and_a_repeat_changes_nothing():
    assert opt_out(**facts()) is True
    assert opt_out(**(facts() | {"now": NOON + timedelta(days=1)})) is False

    gate, event = PhoneGate.objects.get(), ConsentEvent.objects.get()
    assert (gate.consent, gate.changed_at) == (Consent.OPTED_OUT, NOON)
    assert (event.consent, event.source, event.proof, event.at) == ("OPTED_OUT", "REPLY", "reply:1", NOON)


def test_a_fresh_consent_is_the_way_back():
    opt_out(**facts())

    assert grant(**facts()) is True
    assert grant(**facts()) is False

    assert PhoneGate.objects.get().consent == Consent.GRANTED
    assert list(ConsentEvent.objects.order_by("id").values_list("consent", flat=True)) == ["OPTED_OUT", "GRANTED"]


@pytest.mark.parametrize(
    "change", ["UPDATE members_consentevent SET consent = 'GRANTED'", "DELETE FROM members_consentevent"]
)
def test_the_database_refuses_to_rewrite_the_consent_ledger(change):
    opt_out(**facts())

    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)

    assert ConsentEvent.objects.get().consent == "OPTED_OUT"


def test_locking_makes_missing_rows_without_consent_and_takes_doubles_once():
    hashes = [hash_phone(mobile(n)) for n in (3, 1, 2, 1)]

    assert lock_gates(phone_hashes=hashes, now=NOON) == dict.fromkeys(hashes, "NONE")

    assert PhoneGate.objects.count() == 3


@pytest.mark.race
@pytest.mark.usefixtures("committed")
def test_many_who_lock_the_same_phones_in_any_order_do_not_deadlock(race):
    hashes = [hash_phone(mobile(n)) for n in range(40)]

    def lock(number: int) -> int:
        with transaction.atomic():
            return len(lock_gates(phone_hashes=hashes[number:] + hashes[:number], now=NOON))

    found, faults = race(lock, 8)

    assert (found, faults) == ([40] * 8, [])


def test_a_preference_link_is_for_good_and_leaves_and_comes_back():
    hashes = [hash_phone(PHONE), hash_phone(OTHER)]
    links = preference.links_for(phone_hashes=[*hashes, hashes[0]])

    assert preference.links_for(phone_hashes=hashes) == links
    token = links[hashes[0]]
    assert preference.leave(token=token, reason="太多", now=NOON) is True
    assert PhoneGate.objects.get().consent == Consent.OPTED_OUT
    assert ConsentEvent.objects.get().reason == "太多"
    assert preference.come_back(token=token, words="我同意", now=NOON) is True
    assert PhoneGate.objects.get().consent == Consent.GRANTED
    assert preference.leave(token="unknown", reason="", now=NOON) is False
    assert (PreferenceLink.objects.count(), ConsentEvent.objects.count()) == (2, 2)


def test_a_suppression_is_one_row_a_kind_and_can_be_lifted_once():
    by, phone = make_operator(), hash_phone(PHONE)
    entry = suppression.suppress(phone_hash=phone, kind="MANUAL", now=NOON, by=by, tail="0001")
    suppression.suppress(phone_hash=phone, kind="MANUAL", now=NOON, until=NOON + timedelta(days=1), by=by)

    assert Suppression.objects.get().until == NOON + timedelta(days=1)
    assert suppressed_at(phone_hashes=[phone], now=NOON) == {phone}
    assert suppressed_at(phone_hashes=[phone], now=NOON + timedelta(days=1)) == set()
    suppression.lift(suppression_id=entry.pk, by=by, now=NOON)
    suppression.lift(suppression_id=entry.pk, by=by, now=NOON)

    actions = AuditEntry.objects.order_by("id").values_list("action", flat=True)
    assert list(actions) == ["suppression.added", "suppression.lifted"]
    assert not Suppression.objects.exists()


def test_news_of_bad_numbers_may_come_twice():
    payload = {"phone_hashes": [str(hash_phone(PHONE))], "code": "NUMBER"}

    for days in (0, 1):
        suppression.on_hard_failure(payload=payload, now=NOON + timedelta(days=days))

    entry = Suppression.objects.get()
    assert (entry.kind, entry.since, entry.until) == ("HARD_FAILURE", NOON, NOON + timedelta(days=91))
