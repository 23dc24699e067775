"""`python manage.py roles_table`: the roles as a page of the reference; `make roles` keeps it."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import override

from console.permissions import EVERY_STORE, ROLES

HEAD = """# Roles

Made from `console/permissions.py` by `make roles`; a test compares. Roles are groups, and each migration makes the
groups equal to this page. Whoever needs more for a while asks for a role under 权限 (Rights): somebody else grants it,
and it ends by itself ([logins](../howto/logins.md)).

| role | 中文 | for | reads the rows of |
|---|---|---|---|
"""


def table() -> str:
    """The page: roles with their purpose, then each permission with the roles that have it."""
    names = sorted({permission for role in ROLES.values() for permission in role.permissions})
    lines = [*_roles(), "", "| permission | " + " | ".join(f"`{name}`" for name in ROLES) + " |"]
    lines.append("|---|" + ":-:|" * len(ROLES))
    for name in names:
        marks = ["●" if name in role.permissions else "" for role in ROLES.values()]
        lines.append(f"| `{name}` | " + " | ".join(marks) + " |")
    return HEAD + "\n".join(lines) + "\n"


def _roles() -> list[str]:
    lines = []
    for name, role in ROLES.items():
        with override("zh-hans"):
            chinese = str(role.label)
        with override("en"):
            door = "office" if role.is_office else "till"
            reach = "every store" if EVERY_STORE in role.permissions else "the operator's own stores"
            lines.append(f"| `{name}` ({door}) | {chinese} | {role.purpose} | {reach} |")
    return lines


class Command(BaseCommand):
    help = "Print docs/reference/roles.md."

    def handle(self, *args: Any, **options: Any) -> None:
        """To standard output."""
        self.stdout.write(table(), ending="")
