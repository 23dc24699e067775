"""What data_retention.toml says happens: what is old goes, all of it, and nothing else does."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.contrib.postgres.fields import ArrayField
from django.db import models

from delivery.models import Reply
from foundation.db import execute
from foundation.models import AuditEntry, OutboxEvent, Session
from foundation.services import retention
from foundation.services.retention import apply, apply_all, limit_of
from foundation.services.retention_file import BrokenRetention, Rule, load
from foundation.services.session_store import SessionStore
from tests.factories import NOON, make_operator

pytestmark = pytest.mark.usefixtures("committed")
SECOND = timedelta(seconds=1)
DEADLINES = [rule for one in load()[0].values() for rule in one.rules if not rule.by]
PHONE = UUID(int=5)


def filled(field: models.Field) -> Any:
    """A value that the database takes for a field."""
    if field.choices:
        return field.choices[0][0]
    values: list[tuple[type, Any]] = [
        (models.DateTimeField, NOON), (models.DateField, NOON.date()), (models.BooleanField, False),
        (models.JSONField, {"phone_tail": "2176"}), (ArrayField, []), (models.UUIDField, PHONE),
        (models.BinaryField, b"x"), (models.GenericIPAddressField, "127.0.0.1"), (models.IntegerField, 1),
        (models.CharField, "x"),
        (models.TextField, "x"),
    ]  # fmt: skip
    return next((value for kind, value in values if isinstance(field, kind)), None)


def plant(rule: Rule, at: datetime | None, number: int, **facts: Any) -> Any:
    """One row of a rule's model, with its time; rows it hangs on are not made, the check waits for its commit."""
    values: dict[str, Any] = {}
    for field in rule.model._meta.concrete_fields:
        if isinstance(field, models.AutoField):
            continue
        if field.primary_key or field.name in ("username", "vendor_id"):
            values[field.attname] = number if isinstance(field, models.IntegerField) else f"n{number}"
        elif field.remote_field is not None:
            values[field.attname] = None if field.null else 1
        else:
            values[field.attname] = filled(field)
    values |= {name: options[0] for name, options in (rule.where or {}).items()}
    if "request_id" in values:
        values["request_id"] = UUID(int=number)
    values |= {"row_id": number} if "row_id" in values else {}
    values |= {"topic": f"t{number}"} if "topic" in values else {}
    row = rule.model._default_manager.create(**(values | {rule.of: at} | facts))
    rule.model._default_manager.filter(pk=row.pk).update(**{rule.of: at})  # where saving writes a time of its own
    return row


@pytest.fixture
def loose() -> Any:
    """Rows need not hang on others here: the tests' role may pass by foreign keys."""
    execute("SET session_replication_role = replica")
    yield
    execute("SET session_replication_role = DEFAULT")


def rows(rule: Rule, keys: set[Any]) -> list[Any]:
    """Some rows as they stand."""
    return list(rule.model._default_manager.filter(pk__in=keys).order_by("pk").values_list())


def check(rule: Rule) -> None:
    """Old rows go, all of them; young ones, those without a time and those of another kind stay as they are."""
    limit = limit_of(rule, now=NOON)
    old = {plant(rule, limit - SECOND, number).pk for number in range(3)}
    kept = {plant(rule, limit, 10).pk}
    if rule.model._meta.get_field(rule.of).null:
        kept.add(plant(rule, None, 11).pk)
    for name in rule.where or {}:
        kept.add(plant(rule, limit - SECOND, 12, **{name: "LOST"}).pk)
    before = rows(rule, kept)

    assert (apply(rule, now=NOON), apply(rule, now=NOON)) == (3, 0)

    assert rows(rule, kept) == before
    left = list(rule.model._default_manager.filter(pk__in=old))
    assert len(left) == (3 if rule.fields else 0)
    assert all(getattr(row, name) in (None, "", {}, b"") for row in left for name in rule.fields)


@pytest.mark.parametrize("rule", DEADLINES, ids=lambda rule: " ".join([rule.model._meta.label, *rule.fields]))
def test_each_deadline_takes_what_is_old_and_nothing_else(rule: Rule, loose: None):
    check(rule)


@pytest.mark.parametrize("wrong", [timedelta(seconds=1), timedelta(days=-400)], ids=["young ones too", "not all"])
def test_negative_control_another_limit_is_seen(loose: None, monkeypatch, wrong: timedelta):
    monkeypatch.setattr(retention, "limit_of", lambda rule, *, now: limit_of(rule, now=now) + wrong)
    with pytest.raises(AssertionError):
        check(next(one for one in DEADLINES if one.model is OutboxEvent))


def test_what_is_taken_is_walked_part_by_part_and_written_down(monkeypatch):
    monkeypatch.setattr(retention, "PART_ROWS", 2)
    for number in range(5):
        OutboxEvent.objects.create(
            topic="t", payload={}, created_at=NOON, not_before=NOON, done_at=NOON - timedelta(days=31 + number % 2)
        )  # fmt: skip
    OutboxEvent.objects.create(topic="t", payload={}, created_at=NOON - timedelta(days=99), not_before=NOON)

    assert apply_all(now=NOON) == {"foundation.OutboxEvent": 5}
    assert apply_all(now=NOON) == {}

    assert OutboxEvent.objects.get().done_at is None
    assert AuditEntry.objects.get().detail == {"rows": {"foundation.OutboxEvent": 5}}


def test_months_are_whole_ones_of_shanghai_beside_the_running_one():
    rule = Rule(Reply, of="received_at", months=13)

    assert limit_of(rule, now=datetime(2026, 11, 30, 15, 59, tzinfo=UTC)) == datetime(2025, 9, 30, 16, tzinfo=UTC)
    assert limit_of(rule, now=datetime(2026, 11, 30, 16, 0, tzinfo=UTC)) == datetime(2025, 10, 31, 16, tzinfo=UTC)
    assert limit_of(rule, now=datetime(2027, 1, 1, tzinfo=UTC)) == datetime(2025, 11, 30, 16, tzinfo=UTC)


def test_logins_that_ran_out_go_by_their_own_clock():
    for days, key in ((-1, "a"), (1, "b")):
        Session.objects.create(
            session_key=key, session_data="", expire_date=datetime.now(UTC) + timedelta(days=days),
            operator=make_operator(),
        )  # fmt: skip
    SessionStore.clear_expired()

    assert Session.objects.get().session_key == "b"


BROKEN = {
    "a field without a rule": ('keep = "id topic', 'keep = "topic', "foundation.OutboxEvent: field id has no rule"),
    "a field that is gone": ('keep = "id topic', 'keep = "id colour topic', "there is no field colour"),
    "two rules": ('hash = "payload"', 'hash = "payload topic"', "field topic has two rules"),
    "a model that is gone": ('["members.Segment"]', '["members.Segments"]', "members.Segment: this model has no rule"),
    "no reason": ('why = "Rules over everybody; they name nobody."', 'why = ""', "it does not say why"),
    "no time": ('{ days = 90, of = "at" }', '{ days = 90, of = "facts" }', "a time that it is counted of"),
    "no number": ("{ days = 14, of", "{ days = 0, of", "0 is no number of days or months"),
    "no setting": ('months = "RETENTION_MONTHS"', 'months = "RETENTION_YEARS"', "RETENTION_YEARS"),
    "no service": ("services.sweep.sweep", "services.sweep.sweeps", "sweeps"),
    "what can't be empty": ('fields = "visitor"', 'fields = "is_repeat"', "is_repeat can't be emptied"),
    "a word that nobody knows": ("rows = { days = 8,", "rows = { dais = 8,", "nobody knows dais"),
    "no file": ("without", "without = without", "can't be read"),
}


@pytest.mark.parametrize(("old", "new", "says"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_a_clear_error(tmp_path: Path, settings: Any, old: str, new: str, says: str):
    text = settings.RETENTION_FILE.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "data_retention.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")

    with pytest.raises(BrokenRetention) as told:
        load(path)
    assert says in str(told.value)
