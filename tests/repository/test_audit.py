"""What `make audit` says no to."""

import tomllib

from scripts.audit import EXCEPTIONS, faults


def one(test: str, place: str = "coupons/a.py") -> dict[str, str]:
    return {"test_id": test, "filename": place}


KNOWN = {"skip": {"B101": "why"}, "B608": {"coupons/a.py": {"times": 1, "why": "constants"}}}


def test_what_was_looked_at_passes_and_what_is_skipped_too():
    assert faults([one("B608"), one("B101")], KNOWN) == []


def test_a_new_finding_one_more_and_one_less_fail():
    assert faults([one("B608"), one("B608")], KNOWN) == ["coupons/a.py: B608 is found 2 times, looked at 1"]
    assert faults([one("B608"), one("B301")], KNOWN) == ["coupons/a.py: B301 is found 1 times, looked at 0"]
    assert faults([one("B608"), one("B608", "coupons/b.py")], KNOWN) == [
        "coupons/b.py: B608 is found 1 times, looked at 0"
    ]
    assert faults([], KNOWN) == ["coupons/a.py: B608 is found 0 times, looked at 1"]


def test_every_exception_has_a_reason():
    told = tomllib.loads(EXCEPTIONS.read_text(encoding="utf-8"))
    reasons = [*told.pop("skip").values(), *(facts["why"] for table in told.values() for facts in table.values())]

    assert reasons and all(len(one) > 10 for one in reasons)
