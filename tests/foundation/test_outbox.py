from datetime import timedelta

import pytest

from foundation.models import AuditEntry, OutboxEvent
from foundation.services import audit, outbox
from tests.factories import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def handlers(settings):
    settings.OUTBOX_HANDLERS = {
        "good": ["tests.foundation.news.note"],
        "bad": ["tests.foundation.news.fail"],
        "flaky": ["tests.foundation.news.fail_once"],
        "both": ["tests.foundation.news.note", "tests.foundation.news.fail"],
    }


def heard() -> list[str]:
    return list(AuditEntry.objects.filter(action="heard").order_by("id").values_list("subject", flat=True))


def test_news_is_told_oldest_first_and_once():
    outbox.publish(topic="good", payload={"name": "b"}, now=NOON)
    outbox.publish(topic="good", payload={"name": "a"}, now=NOON - timedelta(minutes=1))

    assert outbox.run_due(now=NOON) == 2
    assert outbox.run_due(now=NOON) == 0

    assert heard() == ["a", "b"]
    assert set(OutboxEvent.objects.values_list("done_at", "attempts_count")) == {(NOON, 1)}


def test_a_broken_handler_leaves_nothing_behind_waits_longer_each_time_and_holds_up_nobody():
    outbox.publish(topic="bad", payload={"name": "a"}, now=NOON)
    outbox.publish(topic="good", payload={"name": "b"}, now=NOON)

    assert outbox.run_due(now=NOON) == 1
    event = OutboxEvent.objects.get(topic="bad")
    assert (event.not_before, event.last_error) == (NOON + timedelta(seconds=5), "ValueError: broken")
    assert outbox.run_due(now=NOON + timedelta(seconds=4)) == 0
    outbox.run_due(now=NOON + timedelta(seconds=5))

    event.refresh_from_db()
    assert (event.attempts_count, event.not_before) == (2, NOON + timedelta(seconds=15))
    assert (event.done_at, heard()) == (None, ["b"])


def test_news_with_one_broken_handler_of_two_is_told_to_none():
    outbox.publish(topic="both", payload={"name": "a"}, now=NOON)

    assert outbox.run_due(now=NOON) == 0

    assert heard() == []


def test_a_mended_handler_hears_the_news():
    outbox.publish(topic="flaky", payload={"name": "a"}, now=NOON)
    outbox.run_due(now=NOON)
    audit.record(action="mended", subject="x", by=None, now=NOON)

    assert outbox.run_due(now=NOON + timedelta(seconds=5)) == 1

    event = OutboxEvent.objects.get()
    assert (event.last_error, event.done_at, heard()) == ("", NOON + timedelta(seconds=5), ["a"])


def test_waiting_doubles_up_to_ten_minutes():
    seconds = [outbox.retry_delay(count).total_seconds() for count in range(1, 10)]

    assert seconds == [5, 10, 20, 40, 80, 160, 320, 600, 600]


def test_news_that_nobody_asked_for_is_done():
    outbox.publish(topic="unknown", payload={}, now=NOON)

    assert outbox.run_due(now=NOON) == 1


def test_a_run_looks_for_work_once_more_than_it_finds(django_assert_num_queries):
    with django_assert_num_queries(3):  # savepoint, one look, release
        assert outbox.run_due(now=NOON) == 0


@pytest.mark.race
@pytest.mark.usefixtures("committed")
def test_eight_workers_tell_each_news_once(race):
    for number in range(20):
        outbox.publish(topic="good", payload={"name": f"{number:02}"}, now=NOON)

    done, faults = race(lambda _number: outbox.run_due(now=NOON), 8)

    assert (faults, sum(done)) == ([], 20)
    assert sorted(heard()) == [f"{number:02}" for number in range(20)]
