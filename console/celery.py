"""The Celery application. Lanes are queues; routing is by task name."""

from celery import Celery

app = Celery("console")
# Without this every thread but the first would speak to another, unconfigured application.
app.set_default()
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.task_routes = {
    "foundation.run_outbox": {"queue": "inbound"},
    "delivery.pump_urgent": {"queue": "urgent"},
    "delivery.pump_bulk": {"queue": "bulk"},
    "delivery.merge_receipts": {"queue": "inbound"},
    "delivery.sweep": {"queue": "inbound"},
    "delivery.ask_unsure": {"queue": "inbound"},
    "campaigns.fire_due": {"queue": "inbound"},
}
