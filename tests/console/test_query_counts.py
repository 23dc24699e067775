"""No office page asks the database more often because there is more to show."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from console import permissions
from delivery.models import Reply, ReplyState
from foundation import clock
from foundation.models import Job
from foundation.services.webhooks import make_endpoint
from members.models import ImportFile, Suppression, SuppressionKind
from members.services import grants
from tests.api.signed import make_caller
from tests.console.test_watch import client_of
from tests.factories import (
    NOON,
    make_campaign,
    make_channel,
    make_member,
    make_operator,
    make_segment,
    make_store,
    make_terms,
    make_version,
    uuid_of,
)

pytestmark = pytest.mark.django_db
MARKETING = (
    "", "alerts/", "waiting/", "imports/", "segments/", "templates/", "batches/", "campaigns/", "calendar/", "replies/",
    "unsure/", "sending/", "reports/", "members/member/", "members/suppression/", "members/store/", "stores/",
)  # fmt: skip
IT = ("rights/", "api-keys/", "webhooks/", "channels/", "foundation/job/", "foundation/operator/", "delivery/channel/")


@pytest.fixture(autouse=True)
def roles(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    permissions.sync()
    monkeypatch.setattr(clock, "now", lambda: NOON)


def one_more_of_everything(number: int) -> None:
    store = make_store(f"Q{number}")
    member = make_member(number, home_store=store)
    make_channel(vendor="simulator", code=f"q{number}", name=f"通道{number}")
    make_segment()
    make_version()
    make_campaign(version=make_version("点开 {coupon_link}"), terms=make_terms())
    make_campaign(is_approved=False)
    make_caller(stores=(store,))
    by = make_operator()
    asker = make_operator()
    grants.ask(role="finance", store_ids=[store.pk], until=NOON + timedelta(1), reason="x", by=asker, now=NOON)
    make_endpoint(name=f"W{number}", url="https://x.example.cn/", topics=["coupon.redeemed"], by=by, now=NOON)
    job = Job.objects.create(kind="members.import", title="Import", created_at=NOON)
    ImportFile.objects.create(job=job, kind="MEMBERS", name="a.csv", path="/nowhere/a.csv", received_at=NOON)
    Reply.objects.create(
        channel_id=1, vendor_id=f"{number}", phone_hash=member.phone_hash, phone_tail="0001", text="在吗",
        state=ReplyState.INBOX, received_at=NOON,
    )  # fmt: skip
    Suppression.objects.create(phone_hash=uuid_of(f"{number}"), kind=SuppressionKind.MANUAL, since=NOON)


@pytest.mark.parametrize(
    ("role", "path"), [*(("marketing", path) for path in MARKETING), *(("it", path) for path in IT)]
)
def test_queries_do_not_grow_with_the_rows(role: str, path: str) -> None:
    client = client_of(role)

    def asked() -> int:
        cache.clear()
        with CaptureQueriesContext(connection) as captured:
            assert client.get(f"/console/{path}").status_code == 200
        return len(captured)

    for number in range(2):
        one_more_of_everything(number)
    asked()  # what a process keeps for ever is read once
    few = asked()
    for number in range(2, 8):
        one_more_of_everything(number)

    assert asked() == few
