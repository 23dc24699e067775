"""What a login may do: by its roles, and by the rights it was granted for a time."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission
from django.db.models import Q, QuerySet

from foundation import clock
from foundation.models import Operator
from members.models import RoleGrant


class RolesInForce(ModelBackend):
    """A grant that has run out gives nothing from that instant, although nobody ended it."""

    def _get_group_permissions(self, user_obj: Any) -> QuerySet[Permission]:
        assert isinstance(user_obj, Operator)
        granted = RoleGrant.objects.in_force_at(clock.now()).filter(operator=user_obj)
        return Permission.objects.filter(
            Q(group__in=user_obj.groups.all()) | Q(group__in=granted.values("role"))
        ).distinct()  # fmt: skip
