import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coupons.rules.discount import Terms, discount_fen


def terms(kind, *, face_fen=0, percent_off_bp=0, cap_fen=0):
    return Terms(kind=kind, face_fen=face_fen, percent_off_bp=percent_off_bp, cap_fen=cap_fen, min_spend_fen=0)


@pytest.mark.parametrize(
    ("offer", "eligible", "saving"),
    [
        (terms("CASH", face_fen=2_000), 10_000, 2_000),
        (terms("CASH", face_fen=2_000), 1_500, 1_500),
        (terms("CASH", face_fen=2_000), -1, 0),
        (terms("DISCOUNT", percent_off_bp=1_500), 9_999, 1_499),
        (terms("DISCOUNT", percent_off_bp=2_000, cap_fen=1_000), 10_000, 1_000),
        (terms("DISCOUNT", percent_off_bp=2_000, cap_fen=1_000), 4_000, 800),
        (terms("DISCOUNT", percent_off_bp=10_000), 333, 333),
        (terms("EXCHANGE", face_fen=9_900), 10_000, 0),
    ],
)
def test_a_coupon_takes_off(offer, eligible, saving):
    assert discount_fen(terms=offer, eligible_fen=eligible) == saving


offers = st.builds(
    Terms,
    kind=st.sampled_from(["CASH", "DISCOUNT", "EXCHANGE"]),
    face_fen=st.integers(0, 10**9),
    percent_off_bp=st.integers(0, 10_000),
    cap_fen=st.integers(0, 10**6),
    min_spend_fen=st.just(0),
)


@given(offer=offers, eligible=st.integers(0, 10**12))
@settings(max_examples=200)
def test_a_discount_never_exceeds_what_is_eligible(offer, eligible):
    assert 0 <= discount_fen(terms=offer, eligible_fen=eligible) <= eligible


@given(offer=offers, less=st.integers(0, 10**9), more=st.integers(0, 10**9))
@settings(max_examples=200)
def test_a_bigger_ticket_never_saves_less(offer, less, more):
    smaller = discount_fen(terms=offer, eligible_fen=less)

    assert discount_fen(terms=offer, eligible_fen=less + more) >= smaller
