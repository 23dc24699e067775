"""What a run tells of the sheet that was approved: every difference, person by person; and who else writes to them."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from campaigns.models import Run, RunAudience, SheetLine
from campaigns.queries import EXCLUSIONS, Weight, examine, explain, preflight, sample_text
from campaigns.services import freeze, retention, review, runs
from delivery.models import CapEntry, CapPolicy
from foundation.services.phones import hash_phone
from members.models import Member, PhoneGate
from templates_sms.rules.parts import count_parts
from tests.factories import (
    NOON,
    make_campaign,
    make_channel,
    make_member,
    make_operator,
    make_segment,
    make_terms,
    make_version,
    mobile,
    uuid_of,
)

MORNING = NOON - timedelta(hours=3)
BOUGHT = {"op": "all", "rules": [{"field": "purchase_count", "op": "at_least", "value": 1}]}
people = st.fixed_dictionaries(
    {"bought": st.booleans(), "consent": st.sampled_from(["GRANTED", "NONE", "OPTED_OUT"]), "has_coupon": st.booleans()}
)
worlds = st.lists(st.tuples(people, people), min_size=1, max_size=10)


def live(number: int, one: dict) -> None:
    """Make the world of one person as `one` says; their phone is the third of three that share one."""
    Member.objects.filter(card_no=f"M{number}").update(purchase_count=int(one["bought"]))
    PhoneGate.objects.filter(phone_hash=hash_phone(mobile(number // 2))).update(consent=one["consent"])


class EveryDifferenceIsExplained(TestCase):
    """Random worlds that change between submission and start: lines and reasons add up to the person."""

    @settings(max_examples=25, deadline=None)
    @given(worlds)
    def test_planned_and_real_differ_by_exactly_those_who_moved(self, world):
        make_channel()
        for number, (before, _after) in enumerate(world):
            make_member(number, phone=mobile(number // 2))
            live(number, before)
        good = make_member(998, purchase_count=1)
        campaign = make_campaign(segment=make_segment(BOUGHT))
        planned = lines_of(campaign)

        for number, (_before, after) in enumerate(world):
            live(number, after)
        runs.fire_due(now=NOON)
        run = Run.objects.get()
        freeze.freeze(run_id=run.pk, now=NOON)

        run.refresh_from_db()
        real = dict(RunAudience.objects.values_list("member_id", "exclusion"))
        assert good.pk in real
        moved = {
            member_id: (planned.get(member_id, "OUT"), real.get(member_id, "OUT"))
            for member_id in planned.keys() | real.keys()
            if planned.get(member_id, "OUT") != real.get(member_id, "OUT")
        }
        pairs = list(moved.values())
        assert sorted(map(tuple, run.changes)) == sorted((*pair, pairs.count(pair)) for pair in set(pairs))
        for line in explain(run=run):
            assert line.planned + sum(line.came.values()) - sum(line.went.values()) == line.real
            if line.code in EXCLUSIONS or line.code == "":
                assert line.real == list(real.values()).count(line.code)
                assert line.planned == list(planned.values()).count(line.code)


def lines_of(campaign) -> dict[int, str]:
    rows = SheetLine.objects.filter(sheet=campaign.sheet).values_list("exclusion", "member_ids")
    return {member_id: exclusion for exclusion, ids in rows for member_id in ids}


class Sheets(TestCase):
    def setUp(self):
        make_channel()
        for number in range(3):
            make_member(number)

    def test_what_was_kept_is_what_was_shown(self):
        campaign = make_campaign(is_approved=False, version=make_version("点{coupon_link}"), terms=make_terms())
        make_member(9, consent="OPTED_OUT")
        shown = preflight(campaign=campaign, now=MORNING)

        review.submit(campaign_id=campaign.pk, by=campaign.author, now=MORNING)

        campaign.refresh_from_db()
        facts = campaign.sheet.facts
        assert (facts["matched"], facts["will_receive"], facts["exclusions"]) == (4, 3, {"OPTED_OUT": 1})
        assert (facts["cost"], facts["part_count"]) == (shown.cost, shown.part_count)
        assert facts["first_at"] == shown.first_at.isoformat()

    def test_who_stood_where_goes_with_age_and_the_told_differences_stay(self):
        make_campaign()
        runs.fire_due(now=NOON)
        run = Run.objects.get()
        freeze.freeze(run_id=run.pk, now=NOON)

        retention.drop_audiences(now=NOON + timedelta(days=500))

        run.refresh_from_db()
        assert (SheetLine.objects.count(), run.changes, run.sheet.facts["will_receive"]) == (0, [], 3)

    def test_those_whom_a_cap_holds_back_are_told_where_they_are_put_off(self):
        for number in range(3):
            CapEntry.objects.create(
                message_id=-number - 1, phone_hash=hash_phone(mobile(1)), at=MORNING, fingerprint=uuid_of("x")
            )

        put_off = examine(campaign=make_campaign(is_approved=False), now=MORNING)
        left_out = examine(campaign=make_campaign(is_approved=False, cap_policy=CapPolicy.EXCLUDE), now=MORNING)

        assert (put_off.sheet.will_receive, put_off.sheet.held_count) == (3, 1)
        assert [code for code, _label, _count in put_off.sheet.held] == ["CAP_DAY"]
        assert "CAP" not in str(left_out.warnings) and left_out.sheet.held_count == 0
        assert (left_out.sheet.will_receive, len(put_off.warnings)) == (2, 1)

    def test_campaigns_to_the_same_people_within_a_day_are_named(self):
        waiting = make_campaign(scheduled_at=NOON + timedelta(hours=23), is_approved=False)
        review.submit(campaign_id=waiting.pk, by=waiting.author, now=MORNING)
        make_campaign(scheduled_at=NOON + timedelta(hours=25))
        make_campaign(scheduled_at=NOON + timedelta(hours=1), is_approved=False)  # nobody submitted it
        make_campaign(scheduled_at=NOON + timedelta(hours=1), segment=make_segment(BOUGHT), is_approved=False)
        fired = make_campaign(scheduled_at=NOON - timedelta(hours=2), now=NOON - timedelta(hours=9))
        runs.fire_due(now=NOON - timedelta(hours=2))
        freeze.freeze(run_id=Run.objects.get().pk, now=NOON - timedelta(hours=2))
        campaign = make_campaign(is_approved=False)

        found = examine(campaign=campaign, now=NOON - timedelta(hours=1))

        named = [(one.campaign_id, one.people) for one in found.sheet.neighbours]
        assert named == [(fired.pk, 3), (waiting.pk, 3)]
        assert [one.weight for one in found.warnings] == [Weight.WARNS]

    def test_a_campaign_is_no_neighbour_of_itself(self):
        campaign = make_campaign(repeat="WEEKLY", author=make_operator())

        assert preflight(campaign=campaign, now=MORNING).neighbours == []

    def test_parts_are_those_of_everybodys_own_text(self):
        names = ["", "王", "欧阳娜娜", "𠮷野", "阿不都热依木·买买提", "𠮷" * 9]
        for number, name in enumerate(names):
            Member.objects.filter(card_no=f"M{number}").delete()
            make_member(number, name=name)
        campaign = make_campaign(is_approved=False, version=make_version("{name|会员}" + "优" * 48))

        by_parts = preflight(campaign=campaign, now=MORNING).by_parts

        parts = [count_parts(sample_text(campaign=campaign, name=name)) for name in names]
        assert by_parts == {number: parts.count(number) for number in sorted(set(parts))}
        assert len(by_parts) == 2
