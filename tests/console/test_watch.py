"""The pages that tell what wants a person: alerts, proofs, unsure messages, stray receipts, the calendar."""

import re
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from console import permissions
from console.permissions import OFFICE_ROLES
from console.workplaces.alerts import SENTENCES, sentence
from console.workplaces.proofs import WORDS
from delivery.models import CalendarDay, Channel, Click, Link, Message, Receipt, Route
from delivery.queries.calendar import is_year_confirmed
from delivery.services import pump
from foundation.models import Alert, AuditEntry, Operator
from foundation.services import alerts, proofs, sessions
from tests.factories import NOON, add_people, make_channel, make_dispatch, mobile
from tests.fakes import provider as fakes

pytestmark = pytest.mark.usefixtures("committed")

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def roles(committed: None) -> None:
    """The groups."""
    permissions.sync()


def client_of(role: str) -> Client:
    """A logged-in operator of one role."""
    operator = Operator.objects.create(username=role, is_staff=role in OFFICE_ROLES)
    operator.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(operator)
    session = client.session
    sessions.begin(session=session, operator=operator, at=time.time(), is_complete=False)  # as the door does
    session.save()
    return client


def test_every_alert_that_the_source_raises_has_a_sentence_and_no_other_has():
    rooms = ("foundation", "members", "templates_sms", "coupons", "delivery", "campaigns", "console")
    source = "".join(path.read_text(encoding="utf-8") for room in rooms for path in (ROOT / room).rglob("*.py"))

    raised = set(re.findall(r'raise_alert\(\s*code="([A-Z_]+)"', source))

    assert raised == set(SENTENCES)


def test_a_sentence_survives_facts_that_were_not_kept():
    assert "—" in sentence(Alert(code="CHANNEL_BROKEN", facts={}))
    assert sentence(Alert(code="FROM_THE_FUTURE", facts={})) == "FROM_THE_FUTURE"


def test_an_alert_is_seen_counted_and_closed_once():
    channel = make_channel()
    subject = f"delivery.channel:{channel.pk}"
    for _time in range(3):
        alerts.raise_alert(code="BALANCE_LOW", subject=subject, now=NOON, channel="甲通道", balance=1)
    client, reader = client_of("it"), client_of("marketing")
    shown = reader.get("/console/alerts/").content.decode()
    assert "甲通道" in shown and "/console/channels/" in shown

    alert = Alert.objects.get()
    assert reader.post(f"/console/alerts/{alert.pk}/close/").status_code == 403
    client.post(f"/console/alerts/{alert.pk}/close/")
    client.post(f"/console/alerts/{alert.pk}/close/")

    alert.refresh_from_db()
    assert (alert.times_count, alert.closed_by.username) == (3, "it")
    assert client_of("approver").get("/console/alerts/").status_code == 200


def test_the_alerts_warn_from_november_on_while_next_year_is_not_confirmed(settings):
    client = client_of("it")
    CalendarDay.objects.all().delete()
    assert "k-note--warn" in client.get("/console/alerts/").content.decode()


def test_proofs_say_what_they_prove_and_show_what_is_wrong():
    dispatch = make_dispatch()
    add_people(dispatch, [mobile(1)])
    proofs.run_all(now=NOON)
    client = client_of("it")
    assert "k-light--bad" not in client.get("/console/proofs/").content.decode()

    Message.objects.update(state="ACCEPTED")
    found = proofs.run_all(now=NOON)
    shown = client.get("/console/proofs/").content.decode()

    assert {one.name for one in found} == set(WORDS)
    assert "k-light--bad" in shown
    assert client_of("marketing").get("/console/proofs/").status_code == 403


def unsure_message(provider) -> Message:
    """A message whose call broke."""
    make_channel()
    dispatch = make_dispatch()
    add_people(dispatch, [mobile(1)])
    provider.script = [fakes.ambiguous]
    pump.send_chunk(lane="bulk", clock=lambda: NOON)
    return Message.objects.get(state="UNSURE")


@pytest.mark.parametrize(("action", "state"), [("sent", "ACCEPTED"), ("not-sent", "REFUSED")])
def test_a_person_settles_an_unsure_message_once(provider, action, state):
    message = unsure_message(provider)
    client = client_of("approver")
    shown = client.get("/console/unsure/").content.decode()
    assert f'value="{message.id}"' in shown and mobile(1) not in shown
    assert client_of("marketing").post(f"/console/unsure/{action}/", {"message": message.id}).status_code == 403

    client.post(f"/console/unsure/{action}/", {"message": message.id})
    client.post("/console/unsure/sent/", {"message": message.id})

    assert Message.objects.get().state == state
    assert len(provider.phones) == 1


def test_settling_nothing_changes_nothing(provider):
    unsure_message(provider)

    client_of("approver").post("/console/unsure/sent/", {"message": ["x", "9" * 30]})

    assert Message.objects.get().state == "UNSURE"


def test_stray_receipts_are_counted_and_shown():
    channel = make_channel()
    for number, wait in enumerate((NOON, None)):
        Receipt.objects.create(
            channel_id=channel.pk, vendor_id=f"stray{number}", is_delivered=True, vendor_code="DELIVRD",
            reported_at=NOON, received_at=NOON - timedelta(days=number), merge_after=wait,
        )  # fmt: skip

    shown = client_of("it").get("/console/receipts/unknown/").content.decode()

    assert "stray0" in shown and "stray1" in shown
    assert client_of("clerk").get("/console/receipts/unknown/").status_code == 403


@pytest.mark.parametrize("path", ["route", "receiptcode", "calendarday", "channel"])
def test_it_opens_lists_and_forms_of_the_engine_and_marketing_writes_none(path):
    client = client_of("it")
    assert client.get(f"/console/delivery/{path}/").status_code == 200
    assert client.get(f"/console/delivery/{path}/add/").status_code == 200
    assert client_of("marketing").get(f"/console/delivery/{path}/add/").status_code == 403


def test_a_channel_keeps_the_tiers_and_carriers_that_were_ticked():
    channel = make_channel(vendor="simulator")
    client = client_of("it")
    form = client.get(f"/console/delivery/channel/{channel.pk}/change/").context["adminform"].form
    facts = {name: value for name, value in form.initial.items() if value is not None} | {
        "tiers": ["NOTICE"], "carriers": ["MOBILE", "UNICOM"], "config": "{}", "daily_quota": 5_000,
        "opens_at_minute": "8:00", "closes_at_minute": "24:00",
    }  # fmt: skip

    answer = client.post(f"/console/delivery/channel/{channel.pk}/change/", facts)

    assert answer.status_code == 302
    saved = Channel.objects.get()
    assert (saved.tiers, saved.carriers, saved.daily_quota) == (["NOTICE"], ["MOBILE", "UNICOM"], 5_000)
    assert (saved.opens_at_minute, saved.closes_at_minute) == (480, 1440)


def test_a_route_is_chosen_in_the_admin():
    client_of("it").post("/console/delivery/route/add/", {"tier": "MARKETING", "policy": "CHEAPEST"})

    assert Route.objects.get().policy == "CHEAPEST"


@pytest.mark.parametrize("typed", ["24:01", "8", "480", "25:00", "08:60", "x" * 300, ""])
def test_a_sending_hour_that_is_no_time_of_day_is_refused_with_a_sentence(typed):
    channel = make_channel(vendor="simulator")
    client = client_of("it")
    form = client.get(f"/console/delivery/channel/{channel.pk}/change/").context["adminform"].form
    facts = {name: value for name, value in form.initial.items() if value is not None} | {
        "config": "{}", "opens_at_minute": typed, "closes_at_minute": "21:00",
    }  # fmt: skip

    answer = client.post(f"/console/delivery/channel/{channel.pk}/change/", facts)

    assert answer.status_code == 200
    assert Channel.objects.get().closes_at_minute == 1440


def test_a_key_that_staff_chose_stays_and_the_change_is_written_down():
    Route.objects.create(tier="NOTICE")
    client = client_of("it")

    client.post("/console/delivery/route/NOTICE/change/", {"tier": "MARKETING", "policy": "QUALITY"})

    assert list(Route.objects.values_list("tier", "policy")) == [("NOTICE", "QUALITY")]
    entry = AuditEntry.objects.get(action="route.changed")
    assert (entry.subject, entry.detail) == ("delivery.route:NOTICE", {"fields": ["policy"]})


def test_an_approver_confirms_days_of_the_calendar_and_marketing_does_not():
    days = ["2027-01-01", "2027-10-01"]
    for day in days:
        CalendarDay.objects.update_or_create(day=day, defaults={"kind": "HOLIDAY", "is_confirmed": False})
    CalendarDay.objects.filter(day__year=2027).exclude(day__in=days).delete()
    asked = {"action": "confirm", "_selected_action": days}

    client_of("marketing").post("/console/delivery/calendarday/?day__year=2027", asked)
    assert not is_year_confirmed(year=2027)
    client_of("approver").post("/console/delivery/calendarday/?day__year=2027", asked)

    assert is_year_confirmed(year=2027)
    assert AuditEntry.objects.get(action="calendarday.confirmed").detail["days"] == days


def test_a_row_that_is_deleted_is_written_down():
    day = CalendarDay.objects.create(day="2030-01-01", kind="BLACKOUT", name="盘点")

    client_of("it").post(f"/console/delivery/calendarday/{day.pk}/delete/", {"post": "yes"})

    assert not CalendarDay.objects.filter(day="2030-01-01").exists()
    assert AuditEntry.objects.filter(action="calendarday.deleted").count() == 1


def test_the_list_of_links_counts_people_only():
    link = Link.objects.create(token="t" * 11, target="https://example.cn/", created_at=NOON)
    for is_preview, is_repeat in ((False, False), (True, False), (False, True), (False, False)):
        Click.objects.create(link=link, at=NOON, is_preview=is_preview, is_repeat=is_repeat)

    shown = client_of("marketing").get("/console/delivery/link/").context["cl"].result_list[0]

    assert shown.people_count == 2
