"""Ledgers proved when somebody asks."""

import pytest

from foundation.errors import HasMoved
from foundation.models import AuditEntry, Job, LedgerProof
from foundation.services import jobs, proofs
from tests.factories import NOON, make_operator

pytestmark = pytest.mark.django_db


def test_a_proof_that_was_asked_for_leaves_the_same_results_as_the_nightly_one():
    job = proofs.ask(by=make_operator("it"), now=NOON)

    assert jobs.run_due(now=NOON) == 1

    job.refresh_from_db()
    assert (job.state, job.report, job.done_count) == ("DONE", {"wrong": 0}, job.total_count)
    asked = set(LedgerProof.objects.values_list("name", flat=True))
    assert {one.name for one in proofs.run_all(now=NOON)} == asked
    assert AuditEntry.objects.get().action == "proofs.asked"


def test_a_second_wish_is_refused_while_the_first_waits_and_heard_after_it():
    person = make_operator("it")
    proofs.ask(by=person, now=NOON)

    with pytest.raises(HasMoved):
        proofs.ask(by=person, now=NOON)

    assert Job.objects.count() == 1
    jobs.run_due(now=NOON)
    assert proofs.ask(by=person, now=NOON).state == "QUEUED"
