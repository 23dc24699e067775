"""Roles as code, synced after migrate: a role is a group with exactly these permissions."""

from django.contrib.auth.models import Group, Permission

VIEW_ALL = [
    "campaigns.view_campaign", "campaigns.view_run", "coupons.view_couponbatch", "coupons.view_redemption",
    "coupons.view_redemptionattempt", "delivery.view_channel", "delivery.view_dispatch", "delivery.view_message",
    "delivery.view_reply", "members.view_consentevent", "members.view_member", "members.view_segment",
    "members.view_store", "members.view_suppression", "templates_sms.view_sensitiveword",
    "templates_sms.view_signature", "templates_sms.view_template", "delivery.pull_brake",
    "foundation.view_alert", "delivery.view_calendarday",
]  # fmt: skip

ROLES: dict[str, list[str]] = {
    "marketing": [
        *VIEW_ALL, "campaigns.add_campaign", "campaigns.stop_campaign", "coupons.add_couponbatch",
        "delivery.view_link", "delivery.add_link", "delivery.answer_reply", "members.add_importfile",
        "members.add_segment", "members.add_suppression", "templates_sms.add_template",
        "templates_sms.add_sensitiveword", "templates_sms.change_sensitiveword",
    ],
    "approver": [
        *VIEW_ALL, "campaigns.approve_campaign", "campaigns.stop_campaign", "coupons.approve_couponbatch",
        "delivery.settle_unsure", "delivery.add_calendarday", "delivery.change_calendarday",
        "members.confirm_importundo", "templates_sms.approve_template",
    ],
    "clerk": ["coupons.redeem"],
    "store_manager": ["coupons.redeem", "coupons.reverse_in_store"],
    "it": [
        "delivery.view_channel", "delivery.add_channel", "delivery.change_channel", "delivery.view_dispatch",
        "delivery.pull_brake", "delivery.view_route", "delivery.add_route", "delivery.change_route",
        "delivery.view_receiptcode", "delivery.add_receiptcode", "delivery.change_receiptcode",
        "delivery.view_calendarday", "delivery.add_calendarday", "delivery.change_calendarday",
        "delivery.delete_calendarday", "delivery.view_brake",
        "foundation.view_alert", "foundation.change_alert", "foundation.view_ledgerproof",
        "django_celery_beat.view_periodictask", "foundation.view_operator", "foundation.add_operator",
        "foundation.change_operator", "foundation.view_job", "foundation.view_auditentry",
        "foundation.view_apikey", "foundation.add_apikey", "foundation.change_apikey",
        "foundation.view_webhookendpoint", "foundation.add_webhookendpoint", "foundation.change_webhookendpoint",
        "foundation.view_outboxevent", "members.view_store", "members.add_store", "members.change_store",
        "members.view_storescope", "members.add_storescope", "members.change_storescope",
        "members.delete_storescope", "templates_sms.view_signature", "templates_sms.add_signature",
        "templates_sms.change_signature",
    ],
}  # fmt: skip

OFFICE_ROLES = frozenset({"marketing", "approver", "it"})


def sync() -> None:
    """Make the groups equal to ROLES. Raises Permission.DoesNotExist for a permission nobody defined."""
    for role, names in ROLES.items():
        group, _made = Group.objects.get_or_create(name=role)
        group.permissions.set([_permission(name) for name in names])


def _permission(name: str) -> Permission:
    app, codename = name.split(".")
    return Permission.objects.get(content_type__app_label=app, codename=codename)
