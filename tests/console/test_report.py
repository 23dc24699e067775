"""The report of a run: every table adds up to a ledger, page and file say the same, and it says what it can't know."""

import csv
import io
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from campaigns.models import Run, RunAudience, RunPlace
from campaigns.queries import Outcome, Variant, outcome
from campaigns.services import freeze, retention, runs
from console.workplaces import report_tables, reports
from coupons.models import Coupon, Redemption
from coupons.services.redeem import Question, redeem
from coupons.services.reverse import reverse
from delivery.models import Message
from delivery.port import ReceiptNote
from delivery.services import receipts
from foundation import clock
from members.models import Member, Store
from members.services.consent import opt_out
from tests.coupons.tills import make_clerk
from tests.delivery.ledgers import pump_all
from tests.factories import (
    NOON,
    make_campaign,
    make_channel,
    make_member,
    make_operator,
    make_store,
    make_terms,
    make_version,
)

pytestmark = pytest.mark.usefixtures("committed", "provider")

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
PEOPLE = 12
BODY = "{name|会员}您好，送您满50减10券{coupon_code}，{expires}前有效。"


@pytest.fixture(autouse=True)
def later(monkeypatch):
    translation.activate("zh-hans")
    monkeypatch.setattr(clock, "now", lambda: NOON + 3 * DAY)


@pytest.fixture
def client() -> Client:
    return client_of(is_superuser=True)


def client_of(**facts) -> Client:
    browser = Client(HTTP_ACCEPT_LANGUAGE="en")
    browser.force_login(make_operator(is_staff=True, **facts))
    return browser


def send(*, people: int = PEOPLE, with_coupon: bool = True, name: str = "国庆券") -> Run:
    """A run to `people` members of two cities and two stores, and one who never agreed; everything submitted."""
    channel = make_channel()
    stores = [make_store("S1", city="上海"), make_store("S2", city="杭州")]
    for number in range(1, people + 1):
        store = stores[number % 2]
        make_member(number, home_store=None if number % 5 == 0 else store, city="" if number % 5 == 0 else store.city)
    make_member(people + 1, consent=None)
    campaign = make_campaign(
        name=name, version=make_version(BODY) if with_coupon else make_version(),
        terms=make_terms(planned_count=100) if with_coupon else None,
    )  # fmt: skip
    runs.fire_due(now=NOON)
    freeze.freeze_open(now=NOON)
    pump_all(now=NOON)
    run = Run.objects.get(campaign=campaign)
    notes = [
        ReceiptNote(f"v202611-{one.id}", number > 2, "DELIVRD" if number > 2 else "MK:0001", NOON)
        for number, one in enumerate(Message.objects.filter(dispatch_id=run.dispatch_id).order_by("id"), 1)
        if number > 1
    ]  # fmt: skip
    receipts.store_receipts(channel=channel, notes=notes, now=NOON)
    receipts.merge_receipts(now=NOON)
    return run


def use_coupons(run: Run, numbers: range) -> None:
    """Redeem the coupons of some members, each an hour after the one before; the first is undone again."""
    store = Store.objects.get(code="S1")
    clerk = make_clerk(store)
    for number in numbers:
        coupon = Coupon.objects.get(source=run.source, member_id=Member.objects.get(card_no=f"M{number}").pk)
        question = Question(
            text=coupon.code, device_id="d1", clerk=clerk, store=store, input_channel="SCANNER",
            ticket_fen=6_000 + number,
        )  # fmt: skip
        at = NOON + number * 5 * HOUR
        answer = redeem(question=question, request_id=UUID(int=number), now=at)
        if number == numbers[0]:
            reverse(redemption_no=answer["redemption_no"], device_id="d1", reason="MISSCAN", by=clerk, now=at)


@pytest.fixture
def run() -> Run:
    """Sent to twelve, one without a receipt; four coupons used, one of them undone; two people left."""
    found = send()
    use_coupons(found, range(1, 6))
    Coupon.objects.filter(source=found.source, member_id__lt=8).update(first_viewed_at=NOON + HOUR)
    for number, reason in ((8, "TOO_MANY"), (9, "")):
        member = Member.objects.get(card_no=f"M{number}")
        opt_out(phone_hash=member.phone_hash, source="PREFERENCE_PAGE", proof="page", reason=reason, now=NOON + DAY)
    return Run.objects.select_related("campaign").get(pk=found.pk)


def file_of(client: Client, run: Run) -> dict[str, list[list[str]]]:
    """The tables of the file by title: their rows, the last of which may be the total."""
    text = b"".join(client.get(f"/console/runs/{run.pk}/report.csv").streaming_content).decode("utf-8-sig")
    found: dict[str, list[list[str]]] = {}
    title = ""
    for cells in csv.reader(io.StringIO(text)):
        if len(cells) == 1:
            title = cells[0]
        elif title and cells:
            found.setdefault(title, []).append(cells)
    return {name: rows[1:] for name, rows in found.items()}


def test_every_table_adds_up_to_the_frozen_list_or_to_the_redemptions(run: Run):
    found = outcome(run=run)
    frozen = RunAudience.objects.filter(run=run)
    accepted = Redemption.objects.filter(source=run.source, state="ACCEPTED")
    saved = sum(accepted.values_list("discount_fen", flat=True))

    assert report_tables.left_out_table(found).total[1] == frozen.exclude(exclusion="").count() == 1
    assert report_tables.states_table(found).total[1] == frozen.filter(exclusion="").count() == PEOPLE
    assert report_tables.days_table(found.hours).total[1:] == [accepted.count(), saved] == [4, 4_000]
    assert report_tables.hours_table(found.hours).total[1] == 4
    for table in (report_tables.cities_table(found.places), report_tables.stores_table(found.places)):
        assert table.total[1:4] == [PEOPLE, 4, 4_000]
    assert report_tables.opt_outs_table(found).total[1] == 2
    paid = sum(one.ticket_fen - one.discount_fen for one in accepted)
    assert (found.paid_fen, found.spent) == (paid, found.report.progress.cost + saved * 100)
    assert [(row[0], row[1]) for row in report_tables.funnel_table(found).rows] == [
        ("符合人群", 13), ("会收到", 12), ("提交", 12), ("送达", 10),
        ("点开", Coupon.objects.filter(first_viewed_at__isnull=False).count()), ("核销", 4),
    ]  # fmt: skip


def test_days_and_hours_are_those_of_shanghai_and_gaps_are_zero(run: Run):
    hours = outcome(run=run).hours

    assert [row[:2] for row in report_tables.days_table(hours).rows] == [["11-20", 1], ["11-21", 3]]
    by_hour = dict(row for row in report_tables.hours_table(hours).rows)
    assert (by_hour["22:00"], by_hour["03:00"], by_hour["08:00"], by_hour["13:00"], by_hour["09:00"]) == (1, 1, 1, 1, 0)


def test_the_file_says_the_same_as_the_page_and_names_all_stores(client, run: Run):
    page, file = client.get(f"/console/runs/{run.pk}/report/").content.decode(), file_of(client, run)

    assert file["By home store"][-1] == ["Total", "12", "4", "40.00", "33.33%"]
    assert {row[0] for row in file["By home store"]} == {"门店S1", "门店S2", "no store", "Total"}
    assert file["Redemptions by day"][-1] == ["Total", "4", "40.00"]
    assert file["Where the messages stand"][-1] == ["Total", "12"]
    for shown in ("4 ÷ 10 delivered", "10 ÷ 11 with a result", "1 message still waits for its receipt"):
        assert shown in page
    assert "There was no control group" in page
    assert "data-print hidden" in page and 'role="img"' in page


def test_no_cell_of_the_file_is_a_formula(client):
    run = send(name="=HYPERLINK(1)", people=2)
    answer = b"".join(client.get(f"/console/runs/{run.pk}/report.csv").streaming_content)

    assert answer.startswith(b"\xef\xbb\xbf'=HYPERLINK(1),")


def test_how_much_there_was_does_not_change_the_number_of_queries(client, run: Run):
    client.get(f"/console/runs/{run.pk}/report/")  # a session's first request writes its last visit
    with CaptureQueriesContext(connection) as few:
        client.get(f"/console/runs/{run.pk}/report/")
    use_coupons(run, range(6, 8))
    for number in range(20, 60):
        RunPlace.objects.create(run=run, variant="A", city=f"C{number}", people_count=150)

    with CaptureQueriesContext(connection) as many:
        page = client.get(f"/console/runs/{run.pk}/report/").content.decode()

    assert len(many) == len(few)
    assert "C59" in page


def test_only_stores_of_a_hundred_people_are_ranked_and_the_rest_is_one_line(run: Run):
    stores = [make_store(f"T{number}") for number in range(12)]
    for number, store in enumerate(stores):
        RunPlace.objects.create(run=run, variant="A", store=store, people_count=99 if number == 11 else 100 + number)

    table = report_tables.ranked_stores(outcome(run=run).places)

    assert len(table.rows) == 2 * report_tables.RANKED + 1
    assert "门店T11" not in [row[0] for row in table.rows]
    assert table.total[1] == PEOPLE + 99 + sum(100 + number for number in range(11))


def test_no_store_is_ranked_where_all_are_small(client, run: Run):
    assert "No store has 100 people or more" in client.get(f"/console/runs/{run.pk}/report/").content.decode()


def with_variants(found: Outcome, *counts: tuple[int, int]) -> Outcome:
    return replace(
        found, variants=[Variant(name, of, of, 0, redeemed) for name, (redeemed, of) in zip("AB", counts, strict=False)]
    )


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        (((9_704, 78_446), (8_708, 78_425)), "A 版更好：核销率高 1.27 点"),
        (((8_708, 78_425), (9_704, 78_446)), "B 版更好：核销率高 1.27 点"),
        (((100, 1_000), (101, 1_000)), "分不出高下"),
        (((9, 99), (1, 1_000)), "数据不够，不下结论"),
    ],
)
def test_two_texts_are_told_apart_only_where_the_interval_allows(run: Run, counts, says):
    found = with_variants(outcome(run=run), *counts)

    assert reports._difference_words(found, reports._difference(found)).startswith(says)


def test_variants_are_read_from_the_ledger_and_drawn(client, run: Run):
    some = Member.objects.filter(card_no__in=["M1", "M2", "M3"]).values("pk")
    RunAudience.objects.filter(run=run, member_id__in=some).update(variant="B")
    Message.objects.filter(dispatch_id=run.dispatch_id, member_id__in=some).update(variant="B")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE delivery_tallydelta SET variant = 'B' WHERE state = 'PLANNED' AND message_count > 0")

    found = outcome(run=run)

    assert [(one.name, one.redeemed) for one in found.variants] == [("A", 2), ("B", 2)]
    assert sum(one.opened for one in found.variants) == found.report.coupons["opened"]
    assert "Too few people: nothing is concluded." in client.get(f"/console/runs/{run.pk}/report/").content.decode()


def test_the_report_outlives_the_list_of_receivers(client, run: Run):
    before = report_tables.cities_table(outcome(run=run).places).rows
    Run.objects.filter(pk=run.pk).update(state="FINISHED", finished_at=NOON)
    retention.drop_audiences(now=NOON + 1_000 * DAY)

    run.refresh_from_db()
    found = outcome(run=run)

    assert not RunAudience.objects.exists()
    assert report_tables.cities_table(found.places).rows == before
    assert (report_tables.opt_outs_table(found).rows, found.report.opt_outs) == ([["原因已过保存期", 2]], 2)
    assert client.get(f"/console/runs/{run.pk}/report/").status_code == 200


def test_a_campaign_without_a_coupon_says_what_can_not_be_told(client):
    run = send(with_coupon=False, people=3)
    page = client.get(f"/console/runs/{run.pk}/report/").content.decode()

    assert "It gave no coupon" in page
    assert "Redemptions by day" not in page


def test_what_has_not_left_is_said(client):
    make_channel()
    make_member(1)
    make_campaign()
    runs.fire_due(now=NOON)
    freeze.freeze_open(now=NOON)

    page = client.get(f"/console/runs/{Run.objects.get().pk}/report/").content.decode()

    assert "Nothing has been sent yet" in page
    assert "1 message has not left yet" in page


def test_the_newest_report_opens_first_and_others_are_chosen(client):
    assert "Nothing to report yet" in client.get("/console/reports/").content.decode()
    run = send(people=2)

    assert client.get("/console/reports/").url == client.get(f"/console/reports/?run={run.pk}").url
    assert client.get("/console/reports/?run=999999").status_code == 404
    assert client.get("/console/reports/?run=x'").status_code == 302
    assert client.get("/console/runs/999999/report/").status_code == 404


@pytest.mark.parametrize("path", ["/console/reports/", "/console/runs/1/report/", "/console/runs/1/report.csv"])
def test_whoever_may_not_see_campaigns_sees_no_report(path):
    assert client_of().get(path).status_code == 403
