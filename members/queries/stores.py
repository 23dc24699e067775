"""Which stores an operator works for."""

from collections.abc import Sequence

from members.models import Store


def stores_of(*, operator_id: int) -> Sequence[Store]:
    """The open stores of an operator, by store code."""
    found = Store.objects.filter(scopes__operator_id=operator_id, is_active=True)
    return list(found.order_by("code", "id"))
