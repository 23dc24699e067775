"""Tasks of the bottom room."""

from celery import shared_task

from foundation import clock
from foundation.db import advisory_slot
from foundation.services import api_keys, exports, jobs, outbox, proofs, retention, sealing, uploads, webhooks
from foundation.services.session_store import SessionStore


@shared_task(name="foundation.run_outbox", ignore_result=True)
def run_outbox(**_ignored: object) -> None:
    """Run the handlers of due news."""
    outbox.run_due(now=clock.now())


@shared_task(name="foundation.run_jobs", ignore_result=True)
def run_jobs(**_ignored: object) -> None:
    """
    Run waiting jobs, and take up those whose worker died.

    One at a time: the lane's other process stays free for what can't wait for a long import.
    """
    with advisory_slot("foundation.run_jobs", 1) as held:
        if held:
            jobs.run_due(now=clock.now())


@shared_task(name="foundation.prove_ledgers", ignore_result=True)
def prove_ledgers(**_ignored: object) -> None:
    """Prove that ledgers agree."""
    proofs.run_all(now=clock.now())


@shared_task(name="foundation.seal_ledgers", ignore_result=True)
def seal_ledgers(**_ignored: object) -> None:
    """Seal what is final in the ledgers; two at once would only do the same work twice."""
    with advisory_slot("foundation.seal_ledgers", 1) as held:
        if held:
            sealing.seal_all(now=clock.now())


@shared_task(name="foundation.clear_nonces", ignore_result=True)
def clear_nonces(**_ignored: object) -> None:
    """Forget used nonces of the API that are too old to be used again."""
    api_keys.clear_nonces(now=clock.now())


@shared_task(name="foundation.tell_webhooks", ignore_result=True)
def tell_webhooks(**_ignored: object) -> None:
    """Write what other systems are to be told, and call them; one at a time, so that a slow one fills no lane."""
    with advisory_slot("foundation.tell_webhooks", 1) as held:
        if held:
            webhooks.write_calls(now=clock.now())
            webhooks.call_due(now=clock.now())


@shared_task(name="foundation.apply_retention", ignore_result=True)
def apply_retention(**_ignored: object) -> None:
    """Delete and empty what is older than data_retention.toml says; two at once would do the same work twice."""
    with advisory_slot("foundation.apply_retention", 1) as held:
        if held:
            retention.apply_all(now=clock.now())


@shared_task(name="foundation.clear_sessions", ignore_result=True)
def clear_sessions(**_ignored: object) -> None:
    """Forget logins that have run out."""
    SessionStore.clear_expired()


@shared_task(name="foundation.clear_files", ignore_result=True)
def clear_files(**_ignored: object) -> None:
    """Delete exported files that have expired, and uploads that nobody confirmed."""
    exports.clear(now=clock.now())
    uploads.sweep()
