"""Loading the demo chain: the same imports as a real chain's, with dates moved and members marked."""

import csv
import gzip
import secrets
import shutil
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from django.contrib.auth.models import Group
from django.db import transaction

from console.permissions import OFFICE_ROLES
from delivery.models import Channel
from foundation.models import AuditEntry, Operator
from foundation.services import audit
from members.models import ImportKind, Store, StoreScope
from members.services.imports import import_now
from templates_sms.models import Signature

FOLDER = Path(__file__).parent
LOADED = "demo.loaded"
PASSWORD = "fresh-greens-88"  # noqa: S105  printed at every start; demo logins exist on demo data only
LAST_PURCHASE = datetime(2026, 10, 25)  # noqa: DTZ001  the last day of the files, local time
OPENING_HOURS = timedelta(hours=5)  # the source's clock runs five hours late; shops are open by day

OPERATORS = {
    "marketing": ("marketing", "李雯"),
    "approver": ("approver", "周楠"),
    "clerk": ("clerk", "王秀兰"),
    "manager": ("store_manager", "陈国强"),
    "area": ("area_manager", "孙丽"),
    "it": ("it", "赵一鸣"),
}
FILES = {
    ImportKind.STORES: ("stores", None),
    ImportKind.MEMBERS: ("members", "joined_at"),
    ImportKind.ORDERS: ("orders", "paid_at"),
    ImportKind.ORDER_LINES: ("order_lines", None),
}
STORE_OF_CLERKS = "S0019"


def is_loaded() -> bool:
    """Whether this database has the demo chain already."""
    return AuditEntry.objects.filter(action=LOADED).exists()


def load(*, now: datetime, say: Callable[[str], object]) -> None:
    """
    Load the demo chain; a load that was cut off is taken up again, a repeat changes nothing.

    All dates move by the same number of whole weeks, so that they end within the last seven days.
    """
    make_operators()
    make_channels()
    Signature.objects.get_or_create(name="鲜禾超市")
    weeks = max((now.replace(tzinfo=None) - LAST_PURCHASE).days // 7, 0)
    for kind, (name, moved) in FILES.items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{name}.csv"
            write_moved(FOLDER / f"{name}.csv.gz", path, column=moved, by=timedelta(weeks=weeks) - OPENING_HOURS)
            imported = import_now(kind=kind, path=path, name=path.name, by=None, now=now, is_demo=True)
        say(f"  {name}: {imported.read_count:,} rows")
    scope_clerks()
    audit.record(action=LOADED, subject="console.demo", by=None, now=now, weeks=weeks)


def write_moved(source: Path, target: Path, *, column: str | None, by: timedelta) -> None:
    """Unpack a file; the instants of `column` move by `by`."""
    with gzip.open(source, "rt", encoding="utf-8", newline="") as packed, target.open("w", newline="") as plain:
        if column is None:
            shutil.copyfileobj(packed, plain)
            return
        reader = csv.reader(packed)
        writer = csv.writer(plain)
        header = next(reader)
        writer.writerow(header)
        index = header.index(column)
        for row in reader:
            row[index] = (datetime.fromisoformat(row[index]) + by).isoformat(" ")
            writer.writerow(row)


@transaction.atomic
def make_operators() -> None:
    """One login for each role that the demo needs."""
    for username, (role, name) in OPERATORS.items():
        if Operator.objects.filter(username=username).exists():
            continue
        operator = Operator.objects.create_user(
            username, PASSWORD, display_name=name, is_staff=role in OFFICE_ROLES, is_demo=True
        )
        operator.groups.add(Group.objects.get(name=role))


def make_channels() -> None:
    """Two simulated channels: one cheap and heavy, one dear and light."""
    for code, name, weight, price, speed in (
        ("sim-a", "模拟通道甲", 70, 380, 60),
        ("sim-b", "模拟通道乙", 30, 450, 30),
    ):
        Channel.objects.get_or_create(
            code=code,
            defaults={
                "name": name, "vendor": "simulator", "weight": weight, "price": price, "parts_per_second": speed,
                "batch_size": 50, "webhook_token": secrets.token_urlsafe(32),
            },
        )  # fmt: skip


def scope_clerks() -> None:
    """Clerk and manager work in one store of 杭州, the area manager in all of that city."""
    store = Store.objects.get(code=STORE_OF_CLERKS)
    for username in ("clerk", "manager"):
        StoreScope.objects.get_or_create(operator=Operator.objects.get(username=username), store=store)
    area = Operator.objects.get(username="area")
    for nearby in Store.objects.filter(city=store.city):
        StoreScope.objects.get_or_create(operator=area, store=nearby)
