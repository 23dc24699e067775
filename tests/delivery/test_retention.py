"""What is kept, what is dropped, and what survives."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection, transaction

from delivery.models import Attempt, CapEntry, Click, Handoff, Link, Message, Receipt, VendorRef
from delivery.queries.tally import tally_of
from delivery.rules.window import months_before
from delivery.services import receipts, retention, sweep
from foundation.db import execute, fetch_all
from foundation.models import Alert
from foundation.services.retention import apply_all
from tests.delivery.ledgers import pump_all
from tests.factories import NOON, add_people, make_channel, make_dispatch, mobile
from tests.fakes.provider import FakeProvider, ambiguous

pytestmark = pytest.mark.usefixtures("committed")

OLD = datetime(2025, 3, 10, 4, 0, tzinfo=UTC)


@pytest.fixture
def old_month(provider: FakeProvider):
    """A dispatch of long ago with three messages, one of them unsure."""
    make_channel(batch_size=1)
    dispatch = make_dispatch(now=OLD)
    add_people(dispatch, [mobile(n) for n in range(3)])
    provider.script = [ambiguous]
    pump_all(now=OLD)
    sweep.fold_tallies()
    yield dispatch
    execute("DROP TABLE IF EXISTS delivery_message_2025_03")


def partitions() -> list[str]:
    tables = "SELECT relname FROM pg_class WHERE relname ~ '^delivery_message_[0-9]' AND relkind = 'r' ORDER BY 1"
    return [row[0] for row in fetch_all(tables)]


@pytest.mark.parametrize(
    ("month", "count", "expected"),
    [
        (date(2026, 11, 1), 13, date(2025, 10, 1)),
        (date(2026, 1, 1), 1, date(2025, 12, 1)),
        (date(2026, 1, 1), 0, date(2026, 1, 1)),
    ],
)
def test_months_are_counted_back(month, count, expected):
    assert months_before(month, count) == expected


def test_an_old_month_is_dropped_and_its_statistics_stay(old_month, settings):
    before = tally_of(dispatch_ids=[old_month.pk])
    assert Attempt.objects.exists()

    assert retention.drop_old_messages(now=NOON) == [date(2025, 3, 1)]

    assert partitions() == ["delivery_message_2026_11", "delivery_message_2026_12"]
    assert not Message.objects.exists() and not Attempt.objects.exists()
    assert tally_of(dispatch_ids=[old_month.pk]) == before != []
    assert retention.drop_old_messages(now=NOON) == []


def test_thirteen_whole_months_are_kept_beside_the_running_one(old_month, settings):
    last_day = datetime(2026, 4, 30, 15, 59, tzinfo=UTC)  # 23:59 in Shanghai

    assert retention.drop_old_messages(now=last_day) == []
    assert retention.drop_old_messages(now=last_day + timedelta(minutes=1)) == [date(2025, 3, 1)]


def test_a_busy_ledger_is_left_for_the_next_night(old_month, settings, monkeypatch: pytest.MonkeyPatch, race):
    monkeypatch.setattr(retention, "LOCK_TIMEOUT", "SET LOCAL lock_timeout = '100ms'")

    def work(number: int) -> list[date]:
        if number:
            return retention.drop_old_messages(now=NOON)
        with transaction.atomic():
            execute("LOCK TABLE delivery_message IN ACCESS SHARE MODE")
            execute("SELECT pg_sleep(1)")
        return []

    dropped, faults = race(work, 2)

    assert faults == []
    if [] == dropped[0] == dropped[1]:
        assert Alert.objects.get().code == "RETENTION_BUSY" and "delivery_message_2025_03" in partitions()
        assert retention.drop_old_messages(now=NOON) == [date(2025, 3, 1)]
    assert not Alert.objects.filter(closed_at=None).exists()


def test_short_lived_rows_go_and_what_is_open_stays(provider: FakeProvider):
    channel, dispatch = make_channel(), make_dispatch()
    [one] = add_people(dispatch, [mobile(1)])
    pump_all()
    receipts.store_receipts(
        channel=channel, now=NOON, notes=[provider.receipts(f"v202611-{one} DELIVRD".encode())[0],
                                          provider.receipts(b"unknown DELIVRD")[0]],
    )  # fmt: skip
    receipts.merge_receipts(now=NOON)
    Handoff.objects.create(
        month=dispatch.month, dispatch_id=dispatch.pk, channel=channel, state="LOST", message_ids=[], lease_until=NOON,
        created_at=NOON,
    )  # fmt: skip

    assert apply_all(now=NOON + timedelta(days=7)) == {}
    apply_all(now=NOON + timedelta(days=40))

    assert not VendorRef.objects.exists() and not CapEntry.objects.exists()
    assert list(Handoff.objects.values_list("state", flat=True)) == ["LOST"]
    assert Receipt.objects.count() == 2  # kept as long as messages are
    assert Message.objects.get().state == "DELIVERED"


def test_the_partition_is_there_before_its_month_begins():
    execute("DROP TABLE IF EXISTS delivery_message_2027_02")
    with connection.cursor() as cursor:
        retention.ensure_partitions(now=datetime(2027, 1, 31, 15, 59, tzinfo=UTC))
        cursor.execute("SELECT to_regclass('delivery_message_2027_02') IS NOT NULL")
        assert cursor.fetchone() == (True,)
    execute("DROP TABLE delivery_message_2027_01, delivery_message_2027_02")


def test_receipts_go_with_the_months_and_clicks_forget_who_clicked(provider: FakeProvider, settings):
    channel, link = make_channel(), Link.objects.create(token="a" * 11, target="https://x.cn", created_at=OLD)
    for at in (OLD, NOON):
        receipts.store_receipts(channel=channel, notes=provider.receipts(f"{at:%Y} DELIVRD".encode()), now=at)
        Click.objects.create(link=link, at=at, is_preview=False, visitor=UUID(int=7))

    assert apply_all(now=NOON) == {"delivery.Receipt": 1, "delivery.Click visitor": 1}
    assert apply_all(now=NOON) == {}

    assert [one.received_at for one in Receipt.objects.all()] == [NOON]
    assert [(one.at, one.visitor) for one in Click.objects.order_by("id")] == [(OLD, None), (NOON, UUID(int=7))]


def test_tries_of_an_old_month_go_before_anybody_has_to_wait(old_month, monkeypatch: pytest.MonkeyPatch):
    locked: list[bool] = []
    clear = retention._clear
    monkeypatch.setattr(retention, "_clear", lambda *args: locked.append(connection.in_atomic_block) or clear(*args))

    retention.drop_old_messages(now=NOON)

    assert locked == [False] and not Attempt.objects.exists()
