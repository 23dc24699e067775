"""The demo chain: dates that end last week, marked members, its logins, once."""

import csv
import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from console import permissions
from console.demo import load
from foundation.models import Operator
from members.models import ImportKind, Member, Order
from members.services.imports import import_now
from tests.factories import NOON


def test_dates_move_by_whole_weeks_and_five_hours(tmp_path: Path) -> None:
    source, target = tmp_path / "o.csv.gz", tmp_path / "o.csv"
    with gzip.open(source, "wt", encoding="utf-8") as packed:
        packed.write("order_no,paid_at\nA,2026-10-25 23:55:44\n")

    load.write_moved(source, target, column="paid_at", by=timedelta(weeks=3) - load.OPENING_HOURS)

    assert target.read_text().splitlines() == ["order_no,paid_at", "A,2026-11-15 18:55:44"]


def test_the_files_end_on_the_day_that_the_code_says() -> None:
    with gzip.open(load.FOLDER / "orders.csv.gz", "rt", encoding="utf-8") as packed:
        last = max(row["paid_at"] for row in csv.DictReader(packed))

    assert datetime.fromisoformat(last).date() == load.LAST_PURCHASE.date()


def test_the_demo_files_stay_below_six_megabytes() -> None:
    assert sum(path.stat().st_size for path in load.FOLDER.glob("*.gz")) < 6_000_000


@pytest.mark.django_db
def test_demo_members_are_marked_and_real_ones_are_not(import_folder: Path, tmp_path: Path) -> None:
    files = {name: tmp_path / f"{name}.csv" for name in ("a", "b")}
    for number, path in enumerate(files.values()):
        path.write_text(f"卡号,手机号\nM{number},1990000000{number}\n", encoding="utf-8")

    import_now(kind=ImportKind.MEMBERS, path=files["a"], name="a", by=None, now=NOON, is_demo=True)
    import_now(kind=ImportKind.MEMBERS, path=files["b"], name="b", by=None, now=NOON)

    assert dict(Member.objects.values_list("card_no", "is_demo")) == {"M0": True, "M1": False}


@pytest.mark.django_db
def test_the_logins_are_made_once() -> None:
    permissions.sync()

    load.make_operators()
    load.make_operators()

    assert sorted(Operator.objects.filter(is_demo=True).values_list("username", flat=True)) == sorted(load.OPERATORS)
    assert Operator.objects.get(username="clerk").is_staff is False


@pytest.mark.django_db
def test_the_whole_chain_loads_and_ends_last_week(import_folder: Path) -> None:
    permissions.sync()
    now = datetime(2026, 11, 21, 4, tzinfo=UTC)

    load.load(now=now, say=lambda line: None)

    assert Member.objects.filter(is_demo=True).count() == 2469
    last = Order.objects.order_by("-paid_at").values_list("paid_at", flat=True)[0]
    assert now - timedelta(days=7) < last <= now
    assert load.is_loaded()
