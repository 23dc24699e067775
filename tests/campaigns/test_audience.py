from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from campaigns.models import Run, RunAudience, RunState
from campaigns.queries import EXCLUSIONS, fingerprint_of, preflight
from campaigns.services import freeze, runs
from coupons.services.issue import Receiver, issue_to
from delivery.models import CapEntry, CapPolicy
from foundation.services.phones import hash_phone
from members.models import Member, Suppression
from tests.factories import NOON, make_campaign, make_channel, make_member, make_terms, make_version, mobile, uuid_of

REASONS = list(EXCLUSIONS)
people = st.fixed_dictionaries(
    {
        "phone": st.one_of(st.none(), st.integers(0, 4)),
        "suppressed_hours": st.one_of(st.none(), st.integers(-1, 1)),
        "has_coupon": st.booleans(),
        "slots": st.lists(st.tuples(st.integers(1, 200), st.booleans()), max_size=5),
    }
)
consents = st.lists(
    st.sampled_from(["GRANTED", "GRANTED", "GRANTED", "NONE", "OPTED_OUT", None]), min_size=5, max_size=5
)


def judge(one, consent, entries, suppressed) -> str:
    """The first reason in published order, from the words of the list."""
    ages = [hours for hours, _same in entries]
    reasons = {
        "NO_PHONE": one["phone"] is None,
        "NO_CONSENT": consent in (None, "NONE"),
        "OPTED_OUT": consent == "OPTED_OUT",
        "SUPPRESSED": suppressed,
        "VIRTUAL_PREFIX": one["is_virtual"],
        "CAP_DAY": sum(hours < 24 for hours in ages) >= 3,
        "SAME_TEXT": any(same and hours < 72 for hours, same in entries),
        "CAP_WEEK": sum(hours < 168 for hours in ages) >= 4,
        "COUPON_LIMIT": one["has_coupon"],
    }
    return next((reason for reason in REASONS if reasons.get(reason)), "")


PHONES = [mobile(number, "165" if number % 2 else "139") for number in range(5)]


def phone_of(one) -> str | None:
    return None if one["phone"] is None else PHONES[one["phone"]]


def build(world, consent_of, campaign) -> dict[int, dict]:
    """The rows of a world; returns its people by member id."""
    found = {}
    for number, one in enumerate(world):
        phone = phone_of(one)
        one["is_virtual"] = phone is not None and one["phone"] % 2 == 1
        member = make_member(number, phone=phone, consent=None if phone is None else consent_of[one["phone"]])
        found[member.pk] = one
        if one["has_coupon"]:
            receiver = Receiver(member.pk, "", 1)
            issue_to(terms=campaign.coupon_terms, receivers=[receiver], source="x", issued_at=NOON)
        if phone is not None:
            burden(one, hash_phone(phone), campaign)
    return found


def burden(one, phone_hash, campaign) -> None:
    """The suppression and the cap slots that one person brings to their phone."""
    if one["suppressed_hours"] is not None:
        until = NOON + timedelta(hours=one["suppressed_hours"])
        # The longest one counts, as in the words below.
        kind = f"K{one['suppressed_hours']}"
        Suppression.objects.get_or_create(phone_hash=phone_hash, kind=kind, defaults={"since": NOON, "until": until})
    for hours, same in one["slots"]:
        CapEntry.objects.create(
            message_id=-CapEntry.objects.count() - 1, phone_hash=phone_hash, at=NOON - timedelta(hours=hours),
            fingerprint=fingerprint_of(campaign) if same else uuid_of("x"),
        )  # fmt: skip


def expect(found, consent_of) -> dict[int, str]:
    """Everybody's first reason, from the words of the published list."""
    expected, taken = {}, set()
    for pk, one in sorted(found.items()):
        phone = phone_of(one)
        sharing = [other for other in found.values() if phone is not None and other["phone"] == one["phone"]]
        entries = [slot for other in sharing for slot in other["slots"]]
        suppressed = any((other["suppressed_hours"] or 0) > 0 for other in sharing)
        reason = judge(one, None if phone is None else consent_of[one["phone"]], entries, suppressed)
        if reason == "" and phone in taken:
            reason = "SAME_PHONE"
        if reason == "":
            taken.add(phone)
        expected[pk] = reason
    return expected


class PreflightEqualsFreeze(TestCase):
    """Small random worlds: the list in words, the preflight sheet and the freeze say the same."""

    @settings(max_examples=25, deadline=None)
    @given(st.lists(people, min_size=1, max_size=8), consents)
    def test_everybody_is_judged_alike(self, world, consent_of):
        make_channel()
        good = make_member(999)
        campaign = make_campaign(
            version=make_version("点{coupon_link}"), terms=make_terms(), cap_policy=CapPolicy.EXCLUDE
        )
        expected = expect(build(world, consent_of, campaign), consent_of) | {good.pk: ""}

        sheet = preflight(campaign=campaign, now=NOON)
        runs.fire_due(now=NOON)
        run = Run.objects.get()
        freeze.fix_audience(run_id=run.pk, now=NOON)

        assert dict(RunAudience.objects.values_list("member_id", "exclusion")) == expected
        left_out = [reason for reason in expected.values() if reason]
        assert [(code, count) for code, _label, count in sheet.exclusions] == [
            (code, left_out.count(code)) for code in REASONS if code in left_out
        ]
        run.refresh_from_db()
        assert sheet.matched == run.matched_count == len(expected) == Member.objects.count()
        assert sheet.will_receive == run.planned_count == len(expected) - len(left_out)
        assert run.state == RunState.FREEZING
