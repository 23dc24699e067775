"""The sidebar, in the order of work."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _


def _may(permission: str) -> Callable[[HttpRequest], bool]:
    return lambda request: request.user.has_perm(permission)


def environment(request: HttpRequest) -> list[Any]:
    """The label beside the product's name: this chain is invented."""
    return [_("Demo"), "info"]


def account(request: HttpRequest) -> list[dict[str, Any]]:
    """What stands under one's own name."""
    return [
        {"title": _("Change password"), "link": reverse_lazy("own-password")},
        {"title": _("Second factor"), "link": reverse_lazy("second-factor")},
    ]


def issuer(device: Any) -> str:
    """What a phone's app calls this console."""
    return str(_("SMS & coupons"))


def _item(title: Any, url: str, permission: str | None = None, **more: Any) -> dict[str, Any]:
    item = {"title": title, "link": reverse_lazy(url), **more}
    if permission is not None:
        item["permission"] = _may(permission)
    return item


def _group(title: Any, icon: str, *items: dict[str, Any]) -> dict[str, Any]:
    return {"title": title, "icon": icon, "separator": False, "collapsible": False, "items": list(items)}


SIDEBAR: dict[str, Any] = {
    "show_search": False,
    "show_all_applications": False,
    "navigation": [
        _group(
            _("Home"), "home",
            _item(_("Today"), "admin:index", "members.see_every_store", icon="today"),
            _item(_("Alerts"), "alerts", "foundation.view_alert", icon="notifications",
                  badge="console.workplaces.alerts.badge", badge_variant="danger"),
            _item(_("Stores today"), "own-stores", "coupons.view_redemption", icon="storefront"),
            _item(_("Waiting for me"), "waiting", icon="inbox", badge="console.workplaces.waiting.badge",
                  badge_variant="primary"),
            _item(_("Exported files"), "exports", "foundation.export_lists", icon="download"),
        ),
        _group(
            _("Campaigns"), "campaign",
            _item(_("Campaigns"), "campaigns", "campaigns.view_campaign", icon="campaign"),
            _item(_("Campaign calendar"), "calendar", "campaigns.view_campaign", icon="calendar_view_month"),
            _item(_("Campaign report"), "reports", "campaigns.view_report", icon="bar_chart"),
        ),
        _group(
            _("Texts and coupons"), "description",
            _item(_("Templates"), "texts", "templates_sms.view_template", icon="description"),
            _item(_("Coupon batches"), "batches", "coupons.view_couponbatch", icon="redeem"),
            _item(_("Signatures"), "admin:templates_sms_signature_changelist", "templates_sms.view_signature",
                  icon="draw"),
            _item(_("Word list"), "admin:templates_sms_sensitiveword_changelist", "templates_sms.view_sensitiveword",
                  icon="spellcheck"),
        ),
        _group(
            _("Members"), "group",
            _item(_("Segments"), "segments", "members.view_segment", icon="filter_alt"),
            _item(_("Members"), "admin:members_member_changelist", "members.view_member", icon="group"),
            _item(_("Imports"), "imports", "members.add_importfile", icon="upload_file"),
            _item(_("Suppression list"), "admin:members_suppression_changelist", "members.view_suppression",
                  icon="block"),
            _item(_("Stores"), "admin:members_store_changelist", "members.view_store", icon="store"),
        ),
        _group(
            _("Messages"), "sms",
            _item(_("Sending"), "sending", "delivery.view_dispatch", icon="send",
                  badge="console.workplaces.sending.held_badge", badge_variant="danger"),
            _item(_("Message search"), "messages", "delivery.view_message", icon="search"),
            _item(_("Replies"), "replies", "delivery.view_reply", icon="forum",
                  badge="console.workplaces.replies.badge", badge_variant="primary"),
            _item(_("Unsure messages"), "unsure", "delivery.view_message", icon="help"),
            _item(_("Redemptions"), "admin:coupons_redemption_changelist", "coupons.view_redemption",
                  icon="confirmation_number"),
            _item(_("Refused at the till"), "admin:coupons_redemptionattempt_changelist",
                  "coupons.view_redemptionattempt", icon="block"),
        ),
        _group(
            _("Settings"), "settings",
            _item(_("Channels"), "channels", "delivery.view_channel", icon="router"),
            _item(_("Receipts without a message"), "unknown-receipts", "delivery.view_channel", icon="receipt_long"),
            _item(_("Receipt codes"), "admin:delivery_receiptcode_changelist", "delivery.view_receiptcode",
                  icon="rule"),
            _item(_("Holidays and blackout days"), "admin:delivery_calendarday_changelist", "delivery.view_calendarday",
                  icon="calendar_month"),
            _item(_("Short links"), "admin:delivery_link_changelist", "delivery.view_link", icon="link"),
            _item(_("Operators"), "admin:foundation_operator_changelist", "foundation.view_operator",
                  icon="manage_accounts"),
            _item(_("Rights"), "rights", icon="badge"),
            _item(_("API keys"), "api-keys", "foundation.view_apikey", icon="key"),
            _item(_("Webhooks"), "webhooks", "foundation.view_webhookendpoint", icon="webhook"),
            _item(_("Jobs"), "admin:foundation_job_changelist", "foundation.view_job", icon="pending_actions"),
            _item(_("Audit"), "admin:foundation_auditentry_changelist", "foundation.view_auditentry", icon="history"),
            _item(_("Ledger proofs"), "proofs", "foundation.view_ledgerproof", icon="balance"),
            _item(_("Outbox"), "admin:foundation_outboxevent_changelist", "foundation.view_outboxevent",
                  icon="outbox"),
            _item(_("Schedule"), "admin:django_celery_beat_periodictask_changelist",
                  "django_celery_beat.view_periodictask", icon="schedule"),
            _item(_("Till"), "coupons:till", "coupons.redeem", icon="point_of_sale"),
        ),
    ],
}  # fmt: skip
