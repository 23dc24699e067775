from itertools import product

import pytest

from delivery.rules.states import ALLOWED_PAIRS, NOT_SENT, OPEN, TRANSITIONS, counted_as, may_follow

ALLOWED = {
    ("PLANNED", "CLAIMED"), ("PLANNED", "EXCLUDED"), ("PLANNED", "EXPIRED"), ("PLANNED", "CANCELLED"),
    ("CLAIMED", "PLANNED"), ("CLAIMED", "EXCLUDED"), ("CLAIMED", "EXPIRED"), ("CLAIMED", "ACCEPTED"),
    ("CLAIMED", "REFUSED"), ("CLAIMED", "UNSURE"),
    ("UNSURE", "ACCEPTED"), ("UNSURE", "REFUSED"), ("UNSURE", "DELIVERED"), ("UNSURE", "UNDELIVERED"),
    ("ACCEPTED", "DELIVERED"), ("ACCEPTED", "UNDELIVERED"), ("ACCEPTED", "UNREPORTED"),
    ("UNREPORTED", "DELIVERED"), ("UNREPORTED", "UNDELIVERED"), ("DELIVERED", "UNDELIVERED"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new"), list(product(TRANSITIONS, TRANSITIONS)))
def test_every_pair_of_states_is_decided(old, new):
    assert may_follow(old, new) is ((old, new) in ALLOWED)
    assert (f"{old}>{new}" in ALLOWED_PAIRS) is ((old, new) in ALLOWED)


@pytest.mark.parametrize("final", ["EXCLUDED", "REFUSED", "UNDELIVERED", "EXPIRED", "CANCELLED"])
def test_final_states_stay(final):
    assert not TRANSITIONS[final]


def test_nothing_that_may_have_been_sent_returns_to_the_queue():
    assert {old for old, follow in TRANSITIONS.items() if "PLANNED" in follow} == {"CLAIMED"}


def test_not_sent_is_final_and_tallies_call_claimed_planned():
    assert all(not TRANSITIONS[state] for state in NOT_SENT)
    assert {counted_as(state) for state in OPEN} == {"PLANNED"}
    assert all(counted_as(state) == state for state in TRANSITIONS if state not in OPEN)
