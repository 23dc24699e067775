"""The operator's own phone on the page of operators: entered, kept sealed, masked, forgotten."""

import pytest
from django.test import Client

from foundation.models import AuditEntry, Operator
from foundation.services.phones import open_phone
from tests.factories import make_operator, mobile

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    browser = Client()
    browser.force_login(make_operator(is_staff=True, is_superuser=True))
    return browser


def change(client: Client, row: Operator, phone: str):
    facts = {"username": row.username, "display_name": "李雯", "email": "", "phone": phone, "is_active": "on"}
    return client.post(f"/console/foundation/operator/{row.pk}/change/", facts)


def test_a_phone_is_kept_sealed_shown_masked_and_forgotten_when_taken_out(client: Client):
    row = make_operator("lina")
    assert change(client, row, f" {mobile(7)} ").status_code == 302
    row.refresh_from_db()
    assert (open_phone(bytes(row.phone_cipher)), row.phone_tail) == (mobile(7), mobile(7)[-4:])

    page = client.get(f"/console/foundation/operator/{row.pk}/change/").content.decode()
    assert mobile(7) not in page and f"****{mobile(7)[-4:]}" in page
    change(client, row, f"****{mobile(7)[-4:]}")  # as it was shown: nothing changes
    row.refresh_from_db()
    assert row.phone_tail == mobile(7)[-4:]
    change(client, row, "")

    row.refresh_from_db()
    assert (row.phone_cipher, row.phone_tail) == (None, "")
    assert mobile(7) not in str(list(AuditEntry.objects.values_list("detail", flat=True)))


def test_what_is_no_mobile_number_is_refused(client: Client):
    row = make_operator("lina")

    assert change(client, row, "12345").status_code == 200

    row.refresh_from_db()
    assert row.phone_cipher is None
