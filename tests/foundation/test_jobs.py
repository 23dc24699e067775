import pytest

from foundation.db import execute
from foundation.models import AuditEntry, Job, JobState
from foundation.services import jobs
from foundation.services.jobs import JobCancelled, JobLost
from tests.factories import NOON, make_operator

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def runners(settings):
    settings.JOB_RUNNERS = {
        "count": "tests.foundation.news.count_to_three",
        "refuse": "tests.foundation.news.refuse",
        "crash": "tests.foundation.news.crash",
    }


def make_job(kind: str = "count") -> Job:
    return jobs.enqueue(kind=kind, title=kind, params={}, by=None, now=NOON)


def end_lease() -> None:
    execute("UPDATE foundation_job SET lease_until = clock_timestamp() - interval '1 hour'")


def counted() -> list[str]:
    return list(AuditEntry.objects.filter(action="counted").order_by("id").values_list("subject", flat=True))


def test_a_job_runs_once_and_tells_its_report():
    job = make_job()

    assert jobs.run_due(now=NOON) == 1
    assert jobs.run_due(now=NOON) == 0

    job.refresh_from_db()
    assert (job.state, job.done_count, job.total_count, job.report) == (JobState.DONE, 3, 3, {"at": 3})
    assert (job.started_at, job.finished_at, job.lease_until, job.percent) == (NOON, NOON, None, 100)


def test_a_refusal_ends_a_job_with_its_sentence_and_a_fault_with_a_general_one():
    refused, crashed, unknown = make_job("refuse"), make_job("crash"), make_job("unknown")

    jobs.run_due(now=NOON)

    found = dict(Job.objects.values_list("pk", "state"))
    assert found == {refused.pk: "FAILED", crashed.pk: "FAILED", unknown.pk: "FAILED"}
    assert Job.objects.get(pk=refused.pk).error == "The file is empty."
    assert Job.objects.get(pk=crashed.pk).error not in ("", "'phone'")


def test_a_job_in_a_workers_hands_is_left_alone_until_its_lease_runs_out():
    job = make_job()
    assert jobs.claim_next(now=NOON) == job.pk
    assert jobs.claim_next(now=NOON) is None
    end_lease()

    assert jobs.claim_next(now=NOON) == job.pk


def test_a_job_is_taken_up_from_its_last_chunk():
    job = make_job()
    jobs.claim_next(now=NOON)
    jobs.report_progress(job=job, done_count=2, total_count=3, report={"at": 2})
    end_lease()

    jobs.run_due(now=NOON)

    assert counted() == [f"{job.pk}:3"]
    assert Job.objects.get().state == JobState.DONE


def test_a_worker_that_wakes_up_after_another_went_on_can_not_move_the_job():
    late = make_job()
    jobs.claim_next(now=NOON)
    end_lease()
    jobs.claim_next(now=NOON)
    other = Job.objects.get()
    jobs.report_progress(job=other, done_count=1, total_count=3, report={"at": 1})

    with pytest.raises(JobLost):
        jobs.report_progress(job=late, done_count=1, total_count=3, report={"at": "late"})

    assert Job.objects.get().report == {"at": 1}


def test_a_waiting_job_is_cancelled_at_once_and_a_running_one_at_its_next_chunk():
    waiting, operator = make_job(), make_operator()
    jobs.cancel(job_id=waiting.pk, by=operator, now=NOON)
    running = make_job()
    jobs.claim_next(now=NOON)

    jobs.cancel(job_id=running.pk, by=operator, now=NOON)

    assert Job.objects.get(pk=waiting.pk).state == JobState.CANCELLED
    with pytest.raises(JobCancelled):
        jobs.report_progress(job=running, done_count=1, total_count=3, report={})


def test_a_cancelled_running_job_ends_as_cancelled():
    job = make_job()
    Job.objects.update(cancel_requested=True)

    jobs.run_due(now=NOON)

    job.refresh_from_db()
    assert (job.state, job.error, job.finished_at) == (JobState.CANCELLED, "", NOON)


@pytest.mark.race
@pytest.mark.usefixtures("committed")
def test_one_of_eight_workers_gets_a_job(race):
    job = make_job()

    claimed, faults = race(lambda _number: jobs.claim_next(now=NOON), 8)

    assert faults == []
    assert sorted(claimed, key=str) == [job.pk, *[None] * 7]


@pytest.mark.race
@pytest.mark.usefixtures("committed")
def test_two_workers_with_the_same_chunk_commit_it_once(race):
    make_job()
    jobs.claim_next(now=NOON)

    # Both read the job before either writes: the barrier of the race stands in front of both.
    first, second = Job.objects.get(), Job.objects.get()
    workers = [first, second]
    wins, faults = race(
        lambda number: jobs.report_progress(job=workers[number], done_count=1, total_count=3, report={}), 2
    )

    assert len(wins) == 1
    assert [type(fault) for fault in faults] == [JobLost]
