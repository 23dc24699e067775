from collections import Counter
from datetime import timedelta
from math import sqrt

import pytest

from delivery.adapters.simulator.carrier import Call, Carrier
from delivery.adapters.simulator.fate import DELIVERED, FAILURE_CODES, OPT_OUTS, Fault, fate, fault, tellings
from delivery.adapters.simulator.inside import InsideSimulator, Told
from delivery.adapters.simulator.scenario import Brownout, Scenario
from delivery.port import Absent, Accepted, Ambiguous, Person, Question, Refused
from delivery.rules.categories import Category
from tests.factories import NOON, mobile

DRAWS = 20_000
LONG_TEXT = "字" * 150  # three parts


class Time:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now.timestamp()

    def go(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def time() -> Time:
    return Time()


def carrier_of(scenario: Scenario, time: Time, *, seed: str = "1", path=":memory:") -> Carrier:
    return Carrier(path=path, scenario=scenario, seed=seed, clock=time)


def inside(scenario: Scenario, time: Time, *, seed: str = "1") -> InsideSimulator:
    return InsideSimulator(carrier_of(scenario, time, seed=seed), channel="one")


def people(count: int, *, text: str = "x", first: int = 0) -> list[Person]:
    return [Person(f"202611-{number}", mobile(number), text) for number in range(first, first + count)]


def rows(count: int, *, text: str = "x", first: int = 0) -> list[dict[str, str]]:
    return [
        {"reference": one.reference, "phone": one.phone, "text": one.text}
        for one in people(count, text=text, first=first)
    ]


def assert_share(found: int, basis_points: int, draws: int = DRAWS) -> None:
    """Within five standard deviations of a binomial share."""
    share = basis_points / 10_000
    assert abs(found - draws * share) <= 5 * sqrt(draws * share * (1 - share))


def ask(simulator: InsideSimulator, count: int) -> list:
    return simulator.query([Question(one.reference, one.phone, NOON) for one in people(count)])


def test_messages_meet_their_fates_in_the_shares_of_the_scenario():
    scenario = Scenario(
        refused_bp=300, undelivered_bp=700, silent_bp=500, opt_out_bp=400, chat_bp=200, delay_from=1, delay_until=3
    )

    fates = [fate(scenario, seed="s", reference=f"202611-{number}") for number in range(DRAWS)]

    assert_share(sum(one.is_refused for one in fates), 300)
    assert_share(sum(one.receipt_code in FAILURE_CODES for one in fates), 700)
    assert_share(sum(not one.receipt_code for one in fates if not one.is_refused), 500)
    may_reply = [one for one in fates if one.receipt_code not in FAILURE_CODES and not one.is_refused]
    assert_share(sum(one.reply in OPT_OUTS for one in may_reply), 400, len(may_reply))
    assert_share(sum(bool(one.reply) for one in may_reply), 600, len(may_reply))
    assert all(1 <= one.receipt_delay < 3 for one in fates)
    assert len({one.receipt_delay for one in fates}) > 100


def test_calls_go_wrong_in_the_shares_of_the_scenario():
    scenario = Scenario(
        throttle_bp=400, timeout_after_accept_bp=300, reset_after_accept_bp=200, half_answer_bp=100, error_500_bp=1_000
    )

    faults = Counter(fault(scenario, seed="s", call=number, reference="202611-1") for number in range(DRAWS))

    for kind, share in {
        Fault.THROTTLE: 400, Fault.TIMEOUT: 300, Fault.RESET: 200, Fault.HALF_ANSWER: 100, Fault.ERROR: 500,
        Fault.ERROR_AFTER_ACCEPT: 500, Fault.NONE: 8_000,
    }.items():  # fmt: skip
        assert_share(faults[kind], share)


def test_receipts_repeat_and_hurry_in_the_shares_of_the_scenario():
    scenario = Scenario(receipt_repeat_bp=2_000, early_receipt_bp=500, delay_from=1, delay_until=2)

    told = [
        tellings(scenario, fate(scenario, seed="s", reference=name), seed="s", reference=name, parts=1)
        for name in map(str, range(DRAWS))
    ]

    assert_share(sum(len(one) == 2 for one in told), 2_000)
    assert_share(sum(one[0].is_early for one in told), 500)
    assert all(one[0].delay == 0 if one[0].is_early else one[0].delay >= 1 for one in told)
    assert all(one[1].code == one[0].code and one[1].delay >= one[0].delay for one in told if len(one) == 2)


def test_another_seed_gives_other_fates_and_the_same_seed_the_same():
    scenario = Scenario(refused_bp=5_000, delay_until=9)
    names = [f"202611-{number}" for number in range(50)]

    first, again, other = (
        [fate(scenario, seed=seed, reference=name) for name in names] for seed in ("s", "s", "t")
    )  # fmt: skip

    assert first == again
    assert first != other


def played(seed: str) -> list[object]:
    """Everything that a carrier says in a short rehearsal in which everything happens."""
    time = Time()
    scenario = Scenario(
        refused_bp=1_000, undelivered_bp=1_000, opt_out_bp=1_000, chat_bp=1_000, delay_until=5, receipt_repeat_bp=2_000,
        early_receipt_bp=1_000, receipt_shuffle=True, part_receipts=True, replies_per_minute=60, throttle_bp=1_000,
        timeout_after_accept_bp=1_000, error_500_bp=1_000, balance=450 * 3 * 90,
    )  # fmt: skip
    simulator = inside(scenario, time, seed=seed)
    said: list[object] = []
    for step in range(20):
        said += [simulator.submit(people(10, text=LONG_TEXT, first=step * 10)), simulator.due(time.now)]
        time.go(1)
    return [*said, simulator.balance(), ask(simulator, 200)]


def test_a_rehearsal_is_the_same_each_time():
    first = played("s")

    assert first == played("s")
    assert first != played("t")


def test_an_accepted_person_is_told_of_when_the_time_has_come(time):
    simulator = inside(Scenario(delay_from=2, delay_until=2, chat_bp=10_000, reply_delay=3), time)
    [result] = simulator.submit(people(1))
    time.go(1.9)
    early = simulator.due(time.now)
    time.go(0.1)

    told = simulator.due(time.now)
    time.go(3)
    said = simulator.due(time.now)

    assert isinstance(result, Accepted)
    assert early == Told([], [])
    assert [(one.vendor_id, one.reference, one.is_delivered, one.reported_at) for one in told.receipts] == [
        (result.vendor_id, "202611-0", True, NOON + timedelta(seconds=2))
    ]
    assert [one.phone for one in said.replies] == [mobile(0)]
    assert simulator.due(time.now + timedelta(days=9)) == Told([], [])


def test_what_is_due_is_told_to_its_own_channel(time):
    carrier = carrier_of(Scenario(), time)
    one, two = (InsideSimulator(carrier, channel=name) for name in ("one", "two"))
    one.submit(people(1))
    two.submit(people(2, first=1))

    assert (len(one.due(time.now).receipts), len(two.due(time.now).receipts)) == (1, 2)
    assert {type(answer) for answer in ask(two, 1)} == {Absent}


@pytest.mark.parametrize("name", ["timeout_after_accept_bp", "reset_after_accept_bp", "half_answer_bp"])
def test_a_call_that_breaks_after_the_accept_is_unsure_and_a_question_settles_it(time, name):
    carrier = carrier_of(Scenario(**{name: 10_000}), time)
    simulator = InsideSimulator(carrier, channel="one")

    results = simulator.submit(people(3))

    assert [type(one) for one in results] == [Ambiguous] * 3
    assert len(carrier.accepted()) == 3
    assert [type(one) for one in ask(simulator, 3)] == [Accepted] * 3


def test_of_calls_that_end_in_an_error_some_were_taken_and_some_not(time):
    carrier = carrier_of(Scenario(error_500_bp=10_000), time)
    simulator = InsideSimulator(carrier, channel="one")

    results = [simulator.submit(people(1, first=number))[0] for number in range(40)]

    assert set(results) == {Ambiguous("HTTP 500")}
    assert 5 < len(carrier.accepted()) < 35
    assert Counter(map(type, ask(simulator, 40)))[Accepted] == len(carrier.accepted())


def test_the_same_reference_taken_twice_is_seen_twice(time, tmp_path):
    carrier = carrier_of(Scenario(), time, path=tmp_path / "carrier.sqlite3")
    simulator = InsideSimulator(carrier, channel="one")

    [first], [second] = simulator.submit(people(1)), simulator.submit(people(1))

    assert [one["reference"] for one in carrier.accepted()] == ["202611-0", "202611-0"]
    assert first != second
    assert ask(simulator, 1) == [first]


def test_above_its_speed_a_carrier_refuses_whole_calls(time):
    carrier = carrier_of(Scenario(people_per_second=100), time)
    simulator = InsideSimulator(carrier, channel="one")

    assert isinstance(simulator.submit(people(80))[0], Accepted)
    assert set(simulator.submit(people(30, first=80))) == {Refused(Category.THROTTLE, "429")}
    time.go(0.2)
    assert isinstance(simulator.submit(people(30, first=80))[0], Accepted)
    assert len(carrier.accepted()) == 110


def test_a_call_larger_than_a_second_passes_when_nothing_else_did_and_is_paid_off(time):
    carrier = carrier_of(Scenario(people_per_second=100), time)

    faults = []
    for _second in range(4):
        faults.append(carrier.submit("one", rows(250)).fault)
        time.go(1)

    assert faults == [Fault.NONE, Fault.THROTTLE, Fault.THROTTLE, Fault.NONE]
    assert carrier.submit("two", rows(1)).fault == Fault.NONE


def test_a_throttled_call_says_when_to_come_again(time):
    carrier = carrier_of(Scenario(people_per_second=10), time)
    carrier.submit("one", rows(25))

    assert carrier.submit("one", rows(1)) == Call(Fault.THROTTLE, retry_after=2)


def test_money_runs_out_in_the_middle_of_a_call(time):
    simulator = inside(Scenario(balance=2_000, part_price=450), time)

    results = simulator.submit([*people(1), *people(1, text=LONG_TEXT, first=1), *people(2, first=2)])

    assert [isinstance(one, Accepted) for one in results] == [True, True, False, False]
    assert results[2] == Refused(Category.BALANCE, "NO_MONEY")
    assert simulator.balance() == 2_000 - 4 * 450
    assert inside(Scenario(), time).balance() is None


def test_who_was_accepted_late_is_unknown_to_questions_at_first(time):
    simulator = inside(Scenario(query_lag_seconds=5), time)
    simulator.submit(people(1))
    time.go(4.9)
    before = ask(simulator, 1)
    time.go(0.1)

    assert before == [Absent()]
    assert isinstance(ask(simulator, 1)[0], Accepted)


def test_a_brownout_changes_things_while_it_lasts(time):
    window = Brownout(10, 20, (("error_500_bp", 10_000), ("refused_bp", 500)))
    carrier = carrier_of(Scenario(brownouts=(window,)), time)

    seen = []
    for number in range(4):
        seen.append(carrier.submit("one", rows(1, first=number)).fault in (Fault.ERROR, Fault.ERROR_AFTER_ACCEPT))
        time.go(7)

    assert seen == [False, False, True, False]


def test_each_part_of_a_long_text_has_its_receipt_and_of_a_failed_one_some_part_failed(time):
    simulator = inside(Scenario(part_receipts=True, undelivered_bp=5_000), time)
    simulator.submit(people(200, text=LONG_TEXT))

    codes: dict[str, list[str]] = {}
    for one in simulator.due(time.now).receipts:
        codes.setdefault(one.vendor_id, []).append(one.vendor_code)

    assert len(codes) == 200
    assert {len(one) for one in codes.values()} == {3}
    mixed = [one for one in codes.values() if DELIVERED in one and set(one) != {DELIVERED}]
    assert_share(sum(set(one) != {DELIVERED} for one in codes.values()), 5_000, 200)
    assert mixed


def test_receipts_are_told_in_another_order_when_they_are_shuffled(time):
    straight, shuffled = inside(Scenario(), time), inside(Scenario(receipt_shuffle=True), time)
    straight.submit(people(50))
    shuffled.submit(people(50))

    wanted = [one.reference for one in people(50)]
    found = [one.reference for one in shuffled.due(time.now).receipts]
    assert [one.reference for one in straight.due(time.now).receipts] == wanted
    assert found != wanted
    assert sorted(found) == sorted(wanted)


def test_replies_come_out_of_the_blue_from_phones_that_were_written_to(time):
    simulator = inside(Scenario(replies_per_minute=30, silent_bp=10_000), time)
    time.go(60)
    before = simulator.due(time.now)
    simulator.submit(people(50))
    time.go(60)

    told = simulator.due(time.now)

    assert before == Told([], [])
    assert len(told.replies) == 30
    assert {one.phone for one in told.replies} <= {one.phone for one in people(50)}
    assert len({one.phone for one in told.replies}) > 5
    assert len({one.vendor_id for one in told.replies}) == 30


def test_a_person_who_was_written_to_can_answer_and_nobody_else(time):
    carrier = carrier_of(Scenario(silent_bp=10_000), time)
    simulator = InsideSimulator(carrier, channel="one")
    simulator.submit(people(1))

    assert carrier.reply(mobile(0), "退订")
    assert not carrier.reply(mobile(1), "退订")
    assert [(one.phone, one.text) for one in simulator.due(time.now).replies] == [(mobile(0), "退订")]


@pytest.mark.parametrize(
    "call",
    [
        [], [{"reference": "1", "phone": "1"}], [{"reference": "", "phone": "1", "text": "x"}],
        [{"reference": "1", "phone": "1", "text": 7}], ["x"], rows(1_001),
        [*rows(1), {"reference": "1", "phone": None, "text": "x"}],
    ],
)  # fmt: skip
def test_a_call_that_makes_no_sense_is_taken_for_nobody(time, call):
    carrier = carrier_of(Scenario(), time)

    with pytest.raises((ValueError, KeyError, TypeError)):
        carrier.submit("one", call)

    assert carrier.accepted() == []


def test_a_carrier_that_comes_back_remembers_everything_and_repeats_no_name(time, tmp_path):
    path = tmp_path / "carrier.sqlite3"
    scenario = Scenario(delay_from=60, delay_until=60, balance=9_000, part_price=450)
    before = carrier_of(scenario, time, path=path)
    first = before.submit("one", rows(2), callback="http://back").results
    before.close()
    after = carrier_of(scenario, time, path=path)

    second = after.submit("one", rows(2)).results
    time.go(60)

    assert after.callback("one") == "http://back"
    assert after.balance("one") == 9_000 - 4 * 450
    assert [one.content()["vendor_id"] for one in after.due(limit=9)] == [one["vendor_id"] for one in first + second]
    assert len({one["vendor_id"] for one in first + second}) == 4


def test_what_was_not_heard_is_told_again_a_little_later(time):
    carrier = carrier_of(Scenario(), time)
    carrier.submit("one", rows(1))
    due = carrier.due(limit=9)
    carrier.unheard(due)
    at_once = carrier.due(limit=9)
    time.go(2)

    again = carrier.due(limit=9)
    carrier.told(again)

    assert at_once == []
    assert [one.id for one in again] == [one.id for one in due]
    assert carrier.due(limit=9) == []
