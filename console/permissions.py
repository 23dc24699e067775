"""
Roles as code, synced after migrate: a role is a group with exactly these permissions.

Whose rows a role reads: those of every store with `members.see_every_store`, else those of the operator's stores.
docs/reference/roles.md is made from this file by `make roles`.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Role:
    """What a role is called, what it is for, what it may; `is_office` roles open pages under /console/."""

    label: Any
    purpose: Any
    permissions: tuple[str, ...]
    is_office: bool = True


EVERY_STORE = "members.see_every_store"
PLANS = (
    "campaigns.view_campaign", "campaigns.view_run", "coupons.view_couponbatch", "members.view_segment",
    "members.view_store", "templates_sms.view_sensitiveword", "templates_sms.view_signature",
    "templates_sms.view_template", "delivery.view_calendarday",
)  # fmt: skip
PEOPLE = (
    "delivery.view_message", "delivery.view_reply", "members.view_consentevent", "members.view_member",
    "members.view_suppression",
)  # fmt: skip
RESULTS = ("campaigns.view_report", "coupons.view_redemption", "coupons.view_redemptionattempt")
SENDING = ("delivery.view_channel", "delivery.view_dispatch", "foundation.view_alert")
FILES = "foundation.export_lists"
STAFF = (EVERY_STORE, *PLANS, *PEOPLE, *RESULTS, *SENDING, "delivery.pull_brake", FILES)

ROLES: dict[str, Role] = {
    "marketing": Role(_("Marketing"), _("Writes texts, picks members, plans campaigns."), (
        *STAFF, "campaigns.add_campaign", "campaigns.stop_campaign", "coupons.add_couponbatch", "delivery.view_link",
        "delivery.add_link", "delivery.answer_reply", "members.add_importfile", "members.add_segment",
        "members.add_suppression", "templates_sms.add_template", "templates_sms.add_sensitiveword",
        "templates_sms.change_sensitiveword",
    )),
    "approver": Role(_("Approver"), _("Decides on what marketing has written, and on what is unsure."), (
        *STAFF, "campaigns.approve_campaign", "campaigns.stop_campaign", "coupons.approve_couponbatch",
        "delivery.settle_unsure", "delivery.add_calendarday", "delivery.change_calendarday",
        "members.confirm_importundo", "members.erase_member", "members.export_member",
        "templates_sms.approve_template",
    )),
    "clerk": Role(_("Clerk"), _("Redeems coupons at the till of their stores."), ("coupons.redeem",), is_office=False),
    "store_manager": Role(
        _("Store manager"), _("A clerk who may also undo redemptions of their store on the same day."),
        ("coupons.redeem", "coupons.reverse_in_store"), is_office=False,
    ),
    "area_manager": Role(
        _("Area manager"), _("Watches redemptions, refusals and reports of the stores they are given."),
        ("members.view_store", *RESULTS, FILES),
    ),
    "finance": Role(
        _("Finance"), _("Reads costs, balances, coupons and redemptions of all stores; no members."),
        (EVERY_STORE, *PLANS, *RESULTS, "delivery.view_channel", "foundation.view_ledgerproof", FILES),
    ),
    "analyst": Role(
        _("Analyst"), _("Reads campaigns, segments and reports of all stores; no members, no phones."),
        (EVERY_STORE, *PLANS, *RESULTS, FILES),
    ),
    "auditor": Role(_("Auditor"), _("Reads everything and changes nothing."), (
        EVERY_STORE, *PLANS, *PEOPLE, *RESULTS, *SENDING, FILES, "delivery.view_link", "delivery.view_route",
        "delivery.view_receiptcode", "delivery.view_brake", "django_celery_beat.view_periodictask",
        "foundation.view_apikey", "foundation.view_auditentry", "foundation.view_job", "foundation.view_ledgerproof",
        "foundation.view_operator", "foundation.view_outboxevent", "foundation.view_webhookendpoint",
        "members.view_rolegrant", "members.view_storescope",
    )),
    "it": Role(_("IT"), _("Runs channels, logins, keys and settings; sees no members."), (
        EVERY_STORE, FILES, "delivery.view_channel", "delivery.add_channel", "delivery.change_channel",
        "delivery.view_dispatch", "delivery.pull_brake", "delivery.view_route", "delivery.add_route",
        "delivery.change_route", "delivery.view_receiptcode", "delivery.add_receiptcode",
        "delivery.change_receiptcode", "delivery.view_calendarday", "delivery.add_calendarday",
        "delivery.change_calendarday", "delivery.delete_calendarday", "delivery.view_brake",
        "foundation.view_alert", "foundation.change_alert", "foundation.view_ledgerproof",
        "django_celery_beat.view_periodictask", "foundation.view_operator", "foundation.add_operator",
        "foundation.change_operator", "foundation.view_job", "foundation.view_auditentry",
        "foundation.view_apikey", "foundation.add_apikey", "foundation.change_apikey",
        "foundation.view_webhookendpoint", "foundation.add_webhookendpoint", "foundation.change_webhookendpoint",
        "foundation.view_outboxevent", "members.decide_rolegrant", "members.view_rolegrant", "members.view_store",
        "members.add_store", "members.change_store", "members.view_storescope", "members.add_storescope",
        "members.change_storescope", "members.delete_storescope", "templates_sms.view_signature",
        "templates_sms.add_signature", "templates_sms.change_signature",
    )),
}  # fmt: skip

OFFICE_ROLES = frozenset(name for name, role in ROLES.items() if role.is_office)


def sync() -> None:
    """Make the groups equal to ROLES. Raises Permission.DoesNotExist for a permission nobody defined."""
    known = {
        f"{one.content_type.app_label}.{one.codename}": one
        for one in Permission.objects.select_related("content_type")
    }  # fmt: skip
    missing = {permission for role in ROLES.values() for permission in role.permissions} - set(known)
    if missing:
        raise Permission.DoesNotExist(", ".join(sorted(missing)))
    for name, role in ROLES.items():
        group, _made = Group.objects.get_or_create(name=name)
        group.permissions.set([known[permission] for permission in role.permissions])


def sync_after_migrate(**_facts: Any) -> None:
    """Called by Django when permissions are there; on the way back to an older state some are not, and roles wait."""
    with suppress(Permission.DoesNotExist), transaction.atomic():
        sync()


def role_name(name: str) -> str:
    """A role by its name for people; a group of one's own by the name it was given."""
    return str(ROLES[name].label) if name in ROLES else name
