"""Roles are what the code says, after each migration."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.db import transaction

from console import permissions
from console.permissions import ROLES

pytestmark = pytest.mark.django_db


def test_a_migration_makes_the_roles_equal_to_the_code():
    Group.objects.get_or_create(name="clerk")[0].permissions.set(Permission.objects.all()[:3])
    Group.objects.filter(name="auditor").delete()

    call_command("migrate", verbosity=0)

    found = {
        one.name: {f"{each.content_type.app_label}.{each.codename}" for each in one.permissions.all()}
        for one in Group.objects.prefetch_related("permissions__content_type")
    }
    assert found == {name: set(role.permissions) for name, role in ROLES.items()}


def test_a_permission_that_nobody_defined_is_named_and_stops_no_migration():
    Permission.objects.filter(codename="redeem").delete()

    with pytest.raises(Permission.DoesNotExist, match=r"coupons\.redeem"), transaction.atomic():
        permissions.sync()
    permissions.sync_after_migrate()


@pytest.mark.parametrize("role", ["auditor", "analyst", "finance", "area_manager"])
def test_who_only_reads_changes_nothing(role):
    verbs = {permission.split(".")[1].split("_")[0] for permission in ROLES[role].permissions}

    assert verbs == {"view", "export", "see"} - ({"see"} if role == "area_manager" else set())
