"""Reading in the ground floor's own tables."""

from foundation.models import AuditEntry, LedgerProof


def latest_proofs() -> list[LedgerProof]:
    """The newest result of each check, by name."""
    return list(LedgerProof.objects.order_by("name", "-id").distinct("name"))


def earlier_failures(*, limit: int) -> list[LedgerProof]:
    """The last results that found something wrong, the newest first."""
    return list(LedgerProof.objects.filter(wrong_count__gt=0).order_by("-id")[:limit])


def latest_entries(*, subjects: list[str], limit: int) -> list[AuditEntry]:
    """The newest audit entries of some subjects, with who did them. Index: audit_subject."""
    return list(AuditEntry.objects.filter(subject__in=subjects).select_related("actor").order_by("-id")[:limit])
