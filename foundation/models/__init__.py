"""Rows of the bottom room."""

from foundation.models.api_key import ApiKey, ApiNonce, ApiSecret
from foundation.models.audit import AuditEntry
from foundation.models.authenticator import Authenticator
from foundation.models.export_file import ExportFile, FileEncoding, FileFormat
from foundation.models.job import Job, JobState
from foundation.models.key import KeyFingerprint
from foundation.models.operator import Operator
from foundation.models.outbox import OutboxEvent
from foundation.models.seal import LedgerSeal
from foundation.models.session import Session
from foundation.models.watch import Alert, LedgerProof
from foundation.models.webhook import WebhookCall, WebhookCallState, WebhookCursor, WebhookEndpoint

__all__ = [
    "Alert",
    "ApiKey",
    "ApiNonce",
    "ApiSecret",
    "AuditEntry",
    "Authenticator",
    "ExportFile",
    "FileEncoding",
    "FileFormat",
    "Job",
    "JobState",
    "KeyFingerprint",
    "LedgerProof",
    "LedgerSeal",
    "Operator",
    "OutboxEvent",
    "Session",
    "WebhookCall",
    "WebhookCallState",
    "WebhookCursor",
    "WebhookEndpoint",
]
