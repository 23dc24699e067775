import pytest

from tests.chaos.judge import judge

TAKEN = [("202611-1", "139"), ("202611-2", "138")]


@pytest.mark.parametrize(
    ("taken", "ledger", "broken"),
    [
        (TAKEN, {"202611-1": "DELIVERED", "202611-2": "UNREPORTED"}, []),
        (TAKEN, {"202611-1": "DELIVERED", "202611-2": "ACCEPTED", "202611-3": "REFUSED"}, []),
        ([*TAKEN, TAKEN[0]], {"202611-1": "DELIVERED", "202611-2": "DELIVERED"}, ["doubled", "doubled_phones"]),
        ([*TAKEN, ("202611-3", "138")], dict.fromkeys(["202611-1", "202611-2", "202611-3"], "DELIVERED"),
         ["doubled_phones"]),
        (TAKEN, {"202611-1": "DELIVERED", "202611-2": "DELIVERED", "202611-3": "PLANNED"}, ["lost"]),
        (TAKEN[:1], {"202611-1": "DELIVERED", "202611-2": "CLAIMED"}, ["lost"]),
        (TAKEN, {"202611-1": "DELIVERED", "202611-2": "REFUSED"}, ["denied"]),
        (TAKEN, {"202611-1": "DELIVERED"}, ["denied"]),
        (TAKEN[:1], {"202611-1": "DELIVERED", "202611-2": "ACCEPTED"}, ["invented"]),
        (TAKEN[:1], {"202611-1": "DELIVERED", "202611-2": "UNSURE"}, ["unsure"]),
    ],
)  # fmt: skip
def test_each_broken_promise_is_named(taken, ledger, broken):
    assert [one.split(":")[0] for one in judge(taken=taken, ledger=ledger).broken()] == broken


@pytest.mark.parametrize(("unsure", "broken"), [(0, 0), (9, 0), (10, 1)])
def test_one_percent_unsure_is_too_much(unsure, broken):
    ledger = {f"202611-{number}": "UNSURE" if number < unsure else "DELIVERED" for number in range(1_000)}

    verdict = judge(taken=[(one, one) for one in ledger], ledger=ledger)

    assert (verdict.unsure_bp, len(verdict.broken())) == (unsure * 10, broken)
