"""Rows of the bottom room."""

from foundation.models.audit import AuditEntry
from foundation.models.job import Job, JobState
from foundation.models.key import KeyFingerprint
from foundation.models.operator import Operator
from foundation.models.outbox import OutboxEvent

__all__ = ["AuditEntry", "Job", "JobState", "KeyFingerprint", "Operator", "OutboxEvent"]
