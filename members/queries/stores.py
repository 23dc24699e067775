"""Which stores somebody, or some system, works for, and whose rows they read."""

from collections.abc import Sequence
from datetime import datetime

from django.contrib.auth.models import Permission
from django.db.models import Exists, Q, QuerySet

from foundation.models import ApiKey, Operator
from foundation.row_scope import Stores
from members.models import RoleGrant, Store, StoreScope

REDEEM, UNDO = "coupons.redeem", "coupons.reverse_in_store"
"""What is allowed in a store and not in another: a right for a time in one store gives nothing in the others."""


def _reached(operator_id: int, now: datetime, permission: str = "") -> QuerySet[Store]:
    """
    By the list, or by a right for a time; a key may reach every store.

    With a `permission`: listed stores for who has it for good, those of a grant when its role has it.
    """
    listed = StoreScope.objects.filter(operator_id=operator_id)
    granted = RoleGrant.objects.in_force_at(now).filter(operator_id=operator_id)
    if permission:
        app, codename = permission.split(".")
        it = Permission.objects.filter(content_type__app_label=app, codename=codename)
        for_good = Q(operator__groups__permissions__in=it) | Q(operator__user_permissions__in=it)
        listed = listed.filter(for_good | Q(operator__is_superuser=True))
        granted = granted.filter(role__permissions__in=it)
    return Store.objects.filter(
        Q(pk__in=listed.values("store")) | Q(pk__in=granted.values("stores")) | Exists(_key_to_all(operator_id))
    )


def _key_to_all(operator_id: int) -> QuerySet[ApiKey]:
    return ApiKey.objects.filter(operator_id=operator_id, reaches_every_store=True)


def stores_of(*, operator_id: int, now: datetime) -> Sequence[Store]:
    """The open stores in which an operator may redeem, by store code."""
    return list(_reached(operator_id, now, REDEEM).filter(is_active=True).order_by("code", "id"))


def store_reached(*, operator_id: int, code: str, now: datetime) -> Store | None:
    """The open store with this code, if an operator works for it."""
    return _reached(operator_id, now).filter(is_active=True, code=code).first()


def works_in(*, operator_id: int, store_id: int, now: datetime) -> bool:
    """Whether an operator works for a store, be it open or closed."""
    return _reached(operator_id, now).filter(pk=store_id).exists()


def may_undo_in(*, operator: Operator, store_id: int, now: datetime) -> bool:
    """Whether an operator may undo what others redeemed in a store: its manager."""
    return operator.has_perm(UNDO) and _reached(operator.pk, now, UNDO).filter(pk=store_id).exists()


def scope_of(*, operator: Operator, now: datetime) -> Stores:
    """
    The stores whose rows an operator reads: every one (None) by permission or as a key that reaches every store.

    Without either it is what they work for, closed stores too, and nothing for who works nowhere.
    """
    if operator.has_perm("members.see_every_store") or _key_to_all(operator.pk).exists():
        return None
    return frozenset(_reached(operator.pk, now).values_list("pk", flat=True))
