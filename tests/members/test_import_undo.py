"""Taking an import back: what goes, what comes back, what stays; two people; every race."""

from datetime import timedelta

import pytest

from foundation.errors import DomainError
from foundation.models import Job, JobState
from foundation.services import jobs
from foundation.services.phones import hash_phone, open_phone
from members.models import ConsentEvent, ImportChange, ImportUndo, Member, Order
from members.services.consent import grant, opt_out
from members.services.imports import undo
from members.services.imports.undo import ask_undo, decide_undo
from tests.factories import NOON, make_operator, make_store, mobile
from tests.members.imports import consent_of, run_all, write, written

pytestmark = [pytest.mark.usefixtures("committed", "import_folder")]


def undone(imported) -> ImportUndo:
    ask_undo(import_id=imported.pk, reason="传错了", by=make_operator(), now=NOON)
    decide_undo(import_id=imported.pk, is_confirmed=True, by=make_operator(), now=NOON)
    run_all()
    found = ImportUndo.objects.select_related("job").get()
    assert found.job.state == JobState.DONE, found.job.error
    return found


def figures(found: ImportUndo) -> tuple[int, int, int, int]:
    return found.deleted_count, found.restored_count, found.kept_count, found.consent_count


def facts() -> list[tuple]:
    names = ("card_no", "name", "phone_hash", "phone_tail", "carrier", "city", "home_store__code", "birthday", "level")
    return list(Member.objects.order_by("card_no").values_list(*names))


def test_an_import_taken_back_leaves_the_members_as_they_were(tmp_path):
    make_store("S1")
    make_store("S2")
    written(write(tmp_path, [[f"K{n}", mobile(n), "王", "S1", "", "上海"] for n in range(4)]))
    before = facts()
    second = written(write(
        tmp_path,
        [
            ["K0", mobile(0), "王", "S1", "", "上海"], ["K1", mobile(11), "王二", "S2", "是", "杭州"],
            ["K2", mobile(2), "王", "S1", "是", "苏州"], ["K8", mobile(8), "新", "", "是", ""],
        ],
        name="second.csv",
    ))  # fmt: skip
    assert facts() != before

    found = undone(second)

    assert facts() == before
    assert figures(found) == (1, 2, 0, 3)
    assert open_phone(Member.objects.get(card_no="K1").phone_cipher) == mobile(1)
    assert {consent_of(mobile(n)) for n in (11, 2, 8)} == {"NONE"}
    assert not ImportChange.objects.filter(import_file=second).exists()


def test_what_somebody_touched_since_stays_and_is_named(tmp_path):
    written(write(tmp_path, [["K1", mobile(1), "王", "", "", "上海"], ["K2", mobile(2), "李", "", "", ""]]))
    wrong = written(write(
        tmp_path,
        [["K1", mobile(1), "王", "", "", "杭州"], ["K2", mobile(2), "李", "", "", "杭州"],
         ["K3", mobile(3), "新", "", "", ""], ["K4", mobile(4), "新", "", "", ""], ["K5", mobile(5), "新", "", "", ""]],
        name="wrong.csv",
    ))  # fmt: skip
    written(
        write(
            tmp_path, [["K1", mobile(1), "王", "", "", "苏州"], ["K3", mobile(3), "新三", "", "", ""]], name="later.csv"
        )
    )
    buyer = Member.objects.get(card_no="K4")
    Order.objects.create(order_no="O1", member=buyer, paid_at=NOON, amount_fen=100, discount_fen=0, line_count=1)

    found = undone(wrong)

    assert figures(found)[:3] == (1, 1, 3)
    assert dict(Member.objects.values_list("card_no", "city")) == {"K1": "苏州", "K2": "", "K3": "", "K4": ""}
    kept = ImportChange.objects.filter(import_file=wrong).values_list("member__card_no", flat=True)
    assert sorted(kept) == ["K1", "K3", "K4"]


def test_only_consents_of_the_file_that_nobody_spoke_of_since_are_withdrawn(tmp_path):
    grant(phone_hash=hash_phone(mobile(4)), source="PREFERENCE_PAGE", proof="p", now=NOON)
    imported = written(
        write(
            tmp_path,
            [[f"K{n}", mobile(n), "", "", "是", ""] for n in range(1, 5)] + [["K6", mobile(6), "", "", "否", ""]],
        )
    )
    opt_out(phone_hash=hash_phone(mobile(2)), source="REPLY", proof="r", now=NOON)
    opt_out(phone_hash=hash_phone(mobile(3)), source="REPLY", proof="r", now=NOON)
    grant(phone_hash=hash_phone(mobile(3)), source="PREFERENCE_PAGE", proof="p", now=NOON)

    assert undone(imported).consent_count == 1

    assert [consent_of(mobile(n)) for n in range(1, 5)] == ["NONE", "OPTED_OUT", "GRANTED", "GRANTED"]
    last = ConsentEvent.objects.order_by("id").last()
    assert (last.phone_hash, last.consent, last.proof) == (hash_phone(mobile(1)), "NONE", f"undo:import:{imported.pk}")


def test_an_undo_needs_a_reason_a_second_person_and_its_time(tmp_path):
    imported = written(write(tmp_path, [["K1", mobile(1), "", "", "", ""]]))
    asker, other = make_operator(), make_operator()
    for late, reason in ((0, "  "), (8, "wrong")):
        with pytest.raises(DomainError):
            ask_undo(import_id=imported.pk, reason=reason, by=asker, now=NOON + timedelta(days=late))
    ask_undo(import_id=imported.pk, reason="wrong", by=asker, now=NOON)
    with pytest.raises(DomainError):
        decide_undo(import_id=imported.pk, is_confirmed=True, by=asker, now=NOON)

    decide_undo(import_id=imported.pk, is_confirmed=False, by=other, now=NOON)
    with pytest.raises(DomainError):
        decide_undo(import_id=imported.pk, is_confirmed=True, by=other, now=NOON)
    ask_undo(import_id=imported.pk, reason="really", by=asker, now=NOON)
    decide_undo(import_id=imported.pk, is_confirmed=True, by=other, now=NOON)
    decide_undo(import_id=imported.pk, is_confirmed=True, by=other, now=NOON)

    assert Job.objects.filter(kind="members.undo_import").count() == 1
    run_all()
    assert not Member.objects.exists()
    with pytest.raises(DomainError):
        decide_undo(import_id=imported.pk, is_confirmed=False, by=other, now=NOON)


def test_a_killed_undo_goes_on_and_counts_everybody_once(tmp_path, monkeypatch):
    imported = written(write(tmp_path, [[f"K{n}", mobile(n), "", "", "是", ""] for n in range(7)]))
    monkeypatch.setattr(undo, "PART_ROWS", 3)
    ask_undo(import_id=imported.pk, reason="x", by=make_operator(), now=NOON)
    decide_undo(import_id=imported.pk, is_confirmed=True, by=make_operator(), now=NOON)
    job = ImportUndo.objects.get().job
    part = undo._undo_part

    def die_after_one(job, import_id):
        part(job, import_id)
        raise KeyboardInterrupt

    monkeypatch.setattr(undo, "_undo_part", die_after_one)
    jobs.claim_next(now=NOON, job_id=job.pk)
    with pytest.raises(KeyboardInterrupt):
        undo.run_undo(job=job, now=NOON)
    assert Member.objects.count() == 4
    monkeypatch.setattr(undo, "_undo_part", part)
    Job.objects.update(lease_until=NOON - timedelta(days=365))

    run_all()

    assert figures(ImportUndo.objects.get()) == (7, 0, 0, 7)
    assert not Member.objects.exists() and ConsentEvent.objects.filter(consent="NONE").count() == 7


@pytest.mark.race
def test_of_two_who_decide_at_one_moment_one_decides(tmp_path, race):
    imported = written(write(tmp_path, [["K1", mobile(1), "", "", "", ""]]))
    deciders = [make_operator() for _n in range(6)]
    ask_undo(import_id=imported.pk, reason="x", by=make_operator(), now=NOON)

    done, problems = race(
        lambda n: decide_undo(import_id=imported.pk, is_confirmed=bool(n % 2), by=deciders[n], now=NOON), 6
    )

    assert len(done) == 1 and len(problems) == 5
    assert all(isinstance(problem, DomainError) for problem in problems)
    assert Job.objects.filter(kind="members.undo_import").count() == (done[0].state == "CONFIRMED")


@pytest.mark.race
def test_an_opt_out_beside_an_undo_always_stands(tmp_path, race):
    for round_number in range(10):
        phone = mobile(100 + round_number)
        imported = written(write(tmp_path, [[f"K{round_number}", phone, "", "", "是", ""]], name=f"{round_number}.csv"))
        ask_undo(import_id=imported.pk, reason="x", by=make_operator(), now=NOON)
        decide_undo(import_id=imported.pk, is_confirmed=True, by=make_operator(), now=NOON)

        def one(number: int, phone: str = phone) -> None:
            if number:
                opt_out(phone_hash=hash_phone(phone), source="REPLY", proof="r", now=NOON)
            else:
                run_all()

        _, problems = race(one, 2)

        assert not problems
        assert consent_of(phone) == "OPTED_OUT"
        assert ConsentEvent.objects.filter(phone_hash=hash_phone(phone)).order_by("id").last().consent == "OPTED_OUT"
