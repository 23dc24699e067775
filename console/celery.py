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
    # Short steps that nothing may keep waiting: what is due starts, what is lost comes back.
    "delivery.sweep": {"queue": "clock"},
    "campaigns.fire_due": {"queue": "clock"},
}
