"""The channels page: its table, its charts, its log, how messages are divided, what a press does."""

from datetime import datetime, timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from console import permissions
from console.workplaces.channel_charts import charts_of
from console.workplaces.channel_log import entries
from console.workplaces.channel_rows import rows_of, warnings_of
from console.workplaces.channel_shares import asked, shares_of
from delivery.models import Channel, ChannelDay, ChannelNote, ChannelPulse, Route
from delivery.queries.channel_use import last_minutes, use_of_channels
from delivery.rules import health
from delivery.rules.window import day_of
from delivery.services import balances, channels, circuits
from foundation import clock
from foundation.models import AuditEntry
from tests.console.test_watch import client_of
from tests.delivery.ledgers import pump_all
from tests.factories import NOON, add_people, make_channel, make_dispatch, make_operator, make_version, mobile
from tests.fakes.provider import FakeProvider

pytestmark = pytest.mark.usefixtures("committed")

MINUTE = timedelta(minutes=1)
PAGE = "/console/channels/"


@pytest.fixture(autouse=True)
def roles(committed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The groups, at noon."""
    permissions.sync()
    monkeypatch.setattr(clock, "now", lambda: NOON)


@pytest.fixture
def english():
    """Sentences as they are written."""
    with translation.override("en"):
        yield


def hear(channel: Channel, *, at: datetime, delivered: int, of: int, delay: int = 4) -> None:
    ChannelPulse.objects.create(
        channel_id=channel.pk, at=at, delivered_count=delivered, undelivered_count=of - delivered,
        delay_seconds=of * delay,
    )  # fmt: skip


def drawn(channel: Channel) -> dict[str, list[str]]:
    charts = charts_of([channel], now=NOON)
    return {name: charts[name].lines[0].pieces if charts[name] else [] for name in charts}


def test_a_minute_is_drawn_when_it_is_over_and_says_enough():
    channel = make_channel()
    hear(channel, at=NOON + timedelta(seconds=1), delivered=100, of=100)  # the running minute
    hear(channel, at=NOON - 25 * MINUTE, delivered=100, of=100)  # before the first
    hear(channel, at=NOON - 2 * MINUTE, delivered=19, of=19)
    assert charts_of([channel], now=NOON) == {"shares": None, "delays": None}

    hear(channel, at=NOON - 2 * MINUTE, delivered=1, of=1)

    # A minute alone is a dot; the last but one of 24 lies at 22/23 of the width.
    assert drawn(channel) == {"shares": ["956,0 956,0"], "delays": ["956,850 956,850"]}


def test_lines_have_gaps_where_nothing_is_known_and_the_table_says_how_little():
    channel = make_channel()
    for back, count in ((24, 40), (23, 40), (22, 3), (21, 40)):
        hear(channel, at=NOON - back * MINUTE, delivered=count // 2, of=count)

    shares = charts_of([channel], now=NOON)["shares"]

    assert [len(piece.split()) for piece in shares.lines[0].pieces] == [2, 2]
    table = dict(shares.table)
    assert len(table) == 24 and table["11:36"] == ["50.0% · 20 ÷ 40"] and table["11:40"] == ["—"]
    assert "3" in table["11:38"][0]


@pytest.mark.parametrize("limit", [health.ROLLING_LIMITS, health.Limits(3, 200, 85, 200, 75, 1000)])
def test_the_switch_lines_lie_where_the_rules_have_them(limit, monkeypatch: pytest.MonkeyPatch, english):
    monkeypatch.setattr("console.workplaces.channel_charts.ROLLING_LIMITS", limit)
    channel = make_channel()
    hear(channel, at=NOON - MINUTE, delivered=limit.delivered_percent, of=100, delay=limit.mean_delay)

    charts = charts_of([channel], now=NOON)

    for chart in charts.values():
        points = chart.lines[0].pieces[0].split()
        assert points[0] == f"1000,{chart.limits[0].y}"
    assert f"switch line of 10 minutes: {limit.delivered_percent}%" in charts["shares"].words
    assert "one: 60%" in charts["shares"].words or limit.delivered_percent != 60


def test_a_share_below_the_foot_moves_the_foot():
    channel = make_channel()
    hear(channel, at=NOON - MINUTE, delivered=25, of=100)
    assert charts_of([channel], now=NOON)["shares"].scale == ["100%", "80%", "60%", "40%"]

    hear(channel, at=NOON - 2 * MINUTE, delivered=0, of=100)

    shares = charts_of([channel], now=NOON)["shares"]
    assert shares.scale == ["100%", "75%", "50%", "25%"] and "956,1000" in shares.lines[0].pieces[0]


def test_no_more_lines_than_can_be_told_apart_and_the_table_has_all():
    some = [make_channel(f"c{number}") for number in range(6)]
    for number, channel in enumerate(some):
        hear(channel, at=NOON - MINUTE, delivered=20 + number, of=20 + number)

    shares = charts_of(some, now=NOON)["shares"]

    assert [line.channel for line in shares.lines] == some[2:]  # the busiest, in the order of the page
    assert (shares.heads, shares.left_out) == ([*some[2:], *some[:2]], 2)


def test_the_last_minutes_are_24_and_whole():
    whole = last_minutes(now=NOON + timedelta(seconds=59))

    assert (len(whole), whole[0], whole[-1]) == (24, NOON - 24 * MINUTE, NOON - MINUTE)


def test_the_balance_lasts_as_long_as_the_use_of_the_last_days_says(provider: FakeProvider):
    channel = make_channel(balance=9_000, balance_alert=10_000)
    for days, people in ((9, 50), (2, 10), (1, 30), (0, 7)):
        at = NOON - timedelta(days=days)
        add_people(make_dispatch(now=at), [mobile(1_000 * days + number) for number in range(people)])
        pump_all(now=at)

    use = use_of_channels(now=NOON)[channel.pk]

    # Forty parts in the two days since the first that counts: 9 days ago is too long ago, today is not over.
    assert (use.cost, use.days) == (40 * 450, 2)
    assert (use.lasting(9_000), use.lasting(0)) == (10, 0)
    (row,) = rows_of(now=NOON)
    assert (row.light, row.is_low) == ("warn", True)


def test_what_wants_a_person_is_said_and_what_does_not_is_not(english):
    make_channel("fine", balance=10_000, balance_alert=10_000)
    make_channel("off", state="DISABLED", balance=1, balance_alert=10_000)
    assert warnings_of(rows_of(now=NOON), now=NOON) == []
    make_channel("poor", balance=9_999, balance_alert=10_000)
    full = make_channel("full", daily_quota=1_000)
    ChannelDay.objects.create(channel=full, day=day_of(NOON), part_count=900)
    ChannelPulse.objects.create(channel_id=full.pk, at=NOON, accepted_count=60, part_count=60)
    broken = make_channel("broken")
    circuits.break_now(channel_id=broken.pk, reason="BALANCE 17", now=NOON)

    told = warnings_of(rows_of(now=NOON), now=NOON)

    assert [(one.light, one.fact) for one in told] == [
        ("bad", "broken was taken out of traffic at 12:00: no money left at the provider (17)."),
        ("warn", "poor has 1.00 yuan left, less than the 1.00 of its warning."),
        ("warn", "full has used 90 % of its quota of today; 100 parts are left."),
    ]
    assert "12:01" in told[2].more


def test_the_log_tells_what_was_done_and_what_was_not_and_why(english):
    ill, _other = make_channel("ill"), make_channel("other")
    hear(ill, at=NOON, delivered=440, of=500)
    for seconds in range(5):
        circuits.judge_all(now=NOON + timedelta(seconds=seconds))
    hear(ill, at=NOON + 12 * MINUTE, delivered=490, of=500)
    circuits.judge_all(now=NOON + 12 * MINUTE)
    hear(ill, at=NOON + 30 * MINUTE, delivered=10, of=500)
    circuits.judge_all(now=NOON + 30 * MINUTE)
    operator = make_operator(display_name="Wu Peng")
    channels.set_state(channel_id=ill.pk, state="DRAINED", by=operator, now=NOON + 31 * MINUTE, reason="line is cut")

    told = [(one.tone, one.what, list(one.more), one.said) for one in entries()]

    assert told == [
        ("", f"{operator} drained ill", [], "line is cut"),
        ("bad", "ill was taken out of traffic: too few are delivered", [
            "2 % of 500 receipts in 1 minute were delivered; the switch line is 40 %.",
            "The others take its share; it is tried again after 10 minutes.",
        ], ""),
        ("ac", "Only 88 % of ill were delivered: not past the switch line of 40%, so it was not switched", [
            "88 % of 500 receipts in 1 minute were delivered; the switch line is 40 %.",
            "After 12 minutes it did well again: 98 % delivered, 4 seconds.",
        ], ""),
    ]  # fmt: skip


def test_the_log_tells_of_every_kind_of_note_and_of_balances(english):
    channel = make_channel(balance_alert=10_000)
    for kind in ("TRIAL", "BACK"):
        ChannelNote.objects.create(channel=channel, at=NOON, kind=kind)
    for what in ("ACCEPT", "DELIVERY", "DELAY"):
        for why in ("ABOVE", "FEW", "HELD"):
            facts = {"what": what, "minutes": 10, "value": 1_801, "line": 1_800, "count": 33, "why": why}
            ChannelNote.objects.create(channel=channel, at=NOON, kind="NEAR", facts=facts)
    circuits.break_now(channel_id=channel.pk, reason="CHANNEL 403", now=NOON)
    balances.note(channel=channel, balance=5_000, now=NOON + MINUTE)
    balances.note(channel=channel, balance=50_000, now=NOON + 3 * MINUTE)

    told = entries()

    assert len(told) == 13
    assert (told[0].what, list(told[0].more)) == (
        "The balance of one fell below its warning", ["0.50 yuan were left.", "Topped up after 2 minutes."],
    )  # fmt: skip
    assert all("%(" not in one.what for one in told)


def test_the_log_is_as_long_as_it_may_be_and_newest_first():
    channel = make_channel()
    for number in range(30):
        ChannelNote.objects.create(channel=channel, at=NOON + number * MINUTE, kind="TRIAL")

    told = entries()

    assert len(told) == 20 and told[0].at == NOON + 29 * MINUTE and told[-1].at == NOON + 10 * MINUTE


def words_of(tier: str) -> list[tuple[str, str, str]]:
    (bars,) = (bars for labels, _policy, bars in shares_of(now=NOON) if tier in labels.split(", "))
    return [(bar.carriers, bar.words, bar.fallbacks) for bar in bars]


def test_shares_are_told_by_tier_and_by_carrier_where_those_differ(english):
    make_channel("a", weight=70, price=500)
    make_channel("b", weight=30, price=400)
    make_channel("c", tiers=["NOTICE"], carriers=["MOBILE"], weight=100)
    make_channel("off", state="DRAINED")
    assert words_of("marketing") == [("", "a 70% · b 30%", "")]
    assert words_of("notice") == [
        ("China Mobile", "c 50% · a 35% · b 15%", ""),
        ("all but China Mobile", "a 70% · b 30%", ""),
    ]

    Route.objects.create(tier="MARKETING", policy="CHEAPEST")
    assert words_of("marketing") == [("", "b 100%", "a")]
    Channel.objects.update(circuit="OPEN", circuit_since=NOON)

    assert words_of("marketing") == [("", "", "")]


def test_a_press_says_who_takes_over_and_what_nobody_could_carry(provider: FakeProvider, english):
    first = make_channel("first", tiers=["MARKETING"])
    add_people(make_dispatch(), [mobile(number) for number in range(3)])
    pump_all()
    lost = asked(first, "drain", now=NOON)
    assert lost.told == ["3 messages have been handed over and wait for their receipts; that goes on."]
    assert lost.lost == ["marketing"]

    make_channel("second", carriers=["MOBILE"])
    part = asked(first, "disable", now=NOON)

    assert part.told[1:] == ["marketing to China Mobile will go to second 100%."]
    assert part.lost == ["marketing to all but China Mobile"]


def test_opening_says_what_comes_to_the_channel_and_when_it_does_not(english):
    make_channel("first", weight=50, tiers=["MARKETING"])
    drained = make_channel("drained", weight=50, state="DRAINED", tiers=["MARKETING"])
    assert asked(drained, "open", now=NOON).told == ["marketing will go to first 50% · drained 50%."]

    drained.closes_at_minute = 60

    assert "does not carry at once" in asked(drained, "open", now=NOON).told[0]


@pytest.mark.parametrize("act", ["drain", "disable", "test"])
def test_a_button_leads_to_a_question_that_comes_before_the_press(act):
    channel = make_channel()

    text = client_of("it").get(PAGE, {"channel": channel.pk, "do": act}).content.decode()

    assert 'id="ask"' in text and text.index('id="ask"') < text.index("data-live")
    assert Channel.objects.get().state == "OPEN"


@pytest.mark.parametrize(
    ("role", "query", "status"),
    [
        ("marketing", {"channel": 1, "do": "drain"}, 403),
        ("it", {"channel": "1x", "do": "drain"}, 404),
        ("it", {"channel": "9" * 30, "do": "drain"}, 404),
        ("it", {"channel": 999_999_999, "do": "drain"}, 404),
        ("it", {"do": "drain"}, 404),
    ],
)
def test_a_question_is_for_those_who_may_act_and_for_a_channel_that_is_there(role, query, status):
    assert client_of(role).get(PAGE, query).status_code == status


def test_a_question_that_came_too_late_leads_back():
    channel = make_channel(state="DRAINED")

    assert client_of("it").get(PAGE, {"channel": channel.pk, "do": "drain"}).status_code == 302


def test_a_reason_is_kept_and_shown_and_one_that_is_too_long_changes_nothing():
    channel, client = make_channel(), client_of("it")
    answer = client.post(f"{PAGE}{channel.pk}/drain/", {"reason": "长" * 201})
    assert answer.status_code == 400 and Channel.objects.get().state == "OPEN"

    client.post(f"{PAGE}{channel.pk}/drain/", {"reason": "对方割接"})

    assert "对方割接" in client.get(PAGE).content.decode()
    assert AuditEntry.objects.get().detail == {"reason": "对方割接"}


def test_a_test_to_no_number_asks_again():
    channel = make_channel()
    make_version("您好，{answer}", tier="NOTICE")

    answer = client_of("it").post(f"{PAGE}{channel.pk}/test/", {"phone": "12345"})

    assert answer.status_code == 400 and "12345" in answer.content.decode()


@pytest.mark.parametrize("part", ["table", "charts", "log"])
@pytest.mark.parametrize(
    ("role", "status"), [("it", 200), ("marketing", 200), ("approver", 200), ("clerk", 403), ("store_manager", 403)]
)
def test_live_parts_are_for_those_who_see_the_page_and_hold_no_forms(role, status, part):
    hear(make_channel(), at=NOON - MINUTE, delivered=90, of=100)

    answer = client_of(role).get(f"{PAGE}live/{part}/")

    assert answer.status_code == status
    text = answer.content.decode()
    assert status != 200 or (f'id="channels-{part}"' in text and "<form" not in text and "data-stale" in text)


def test_only_those_who_may_act_see_buttons():
    make_channel()

    assert "do=drain" in client_of("it").get(PAGE).content.decode()
    assert "do=drain" not in client_of("marketing").get(PAGE).content.decode()


def test_without_a_channel_it_opens_a_simulated_one_and_marketing_does_not():
    client, other = client_of("it"), client_of("marketing")
    assert "simulator/" in client.get(PAGE).content.decode()
    assert "simulator/" not in other.get(PAGE).content.decode()
    assert other.post(f"{PAGE}simulator/").status_code == 403 and not Channel.objects.exists()

    for _press in range(2):
        client.post(f"{PAGE}simulator/")

    assert Channel.objects.get().is_simulator


@pytest.mark.parametrize("part", ["", "live/table/", "live/charts/", "live/log/"])
def test_queries_do_not_grow_with_channels_minutes_and_notes(part):
    client = client_of("it")

    def asked_for() -> int:
        cache.clear()
        with CaptureQueriesContext(connection) as captured:
            assert client.get(f"{PAGE}{part}").status_code == 200
        return len(captured)

    def one_more(number: int) -> None:
        channel = make_channel(f"c{number}", balance=1, balance_alert=2, daily_quota=10)
        hear(channel, at=NOON - MINUTE, delivered=90, of=100)
        circuits.break_now(channel_id=channel.pk, reason="CHANNEL 1", now=NOON)
        balances.note(channel=channel, balance=1, now=NOON)
        channels.set_state(channel_id=channel.pk, state="DRAINED", by=make_operator(), now=NOON)

    for number in range(2):
        one_more(number)
    asked_for()
    few = asked_for()
    for number in range(2, 8):
        one_more(number)

    assert asked_for() == few
