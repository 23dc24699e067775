"""Whoever works for some stores takes the rows of those stores, of lists that have stores, and nothing else."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from console import permissions
from foundation import clock
from foundation.models import ExportFile, Job, JobState, Operator
from foundation.services import jobs
from members.models import StoreScope
from tests.console.test_export_pages import OURS, WORK_LISTS, ask, content
from tests.console.test_watch import client_of
from tests.factories import NOON
from tests.two_stores import Shop, make_shops

pytestmark = pytest.mark.django_db
BY_STORE = ["coupons.redemption", "coupons.redemptionattempt", "members.store"]


@pytest.fixture
def shops(db: None, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> tuple[Shop, Shop]:
    permissions.sync()
    monkeypatch.setattr(clock, "now", lambda: NOON)
    settings.EXPORT_DIR = tmp_path / "exports"
    own, foreign, _run = make_shops()
    return own, foreign


def manager_of(shop: Shop) -> Client:
    client = client_of("area_manager")
    operator = client.session["_auth_user_id"]
    StoreScope.objects.create(operator_id=operator, store=shop.store)
    return client


def file_of(client: Client, name: str, query: str = "") -> str:
    assert ask(client, name, query).status_code == 302
    jobs.run_due(now=NOON)
    return content(client.get(f"/console/exports/{ExportFile.objects.latest('id').pk}/file")).decode("utf-8-sig")


@pytest.mark.parametrize("name", BY_STORE)
def test_a_file_has_no_row_of_a_foreign_store(shops: tuple[Shop, Shop], name: str) -> None:
    own, foreign = shops
    every = file_of(client_of("auditor"), name)
    assert "OWN" in every and "FOREIGN" in every  # the control

    client = manager_of(own)
    for query in ("", f"store__id__exact={foreign.store.pk}" if name != "members.store" else "q=FOREIGN"):
        found = file_of(client, name, query)
        assert "FOREIGN" not in found and ("OWN" in found or query)
    assert "FOREIGN" not in client.get(f"/console/exports/new/?list={name}").content.decode()


def test_lists_without_stores_are_closed(shops: tuple[Shop, Shop]) -> None:
    client = manager_of(shops[0])
    every = Permission.objects.exclude(codename="see_every_store")
    Operator.objects.get(username="area_manager").user_permissions.set(every)
    names = (*OURS, *WORK_LISTS)

    seen = [one for one in names if client.get(f"/console/exports/new/?list={one}").status_code == 200]

    assert sorted(seen) == sorted({*BY_STORE, "members.member"})


def test_a_store_that_is_taken_away_is_no_longer_in_a_file_that_waits(shops: tuple[Shop, Shop]) -> None:
    client = manager_of(shops[0])
    assert ask(client, "coupons.redemption").status_code == 302
    StoreScope.objects.filter(operator__username="area_manager").delete()

    jobs.run_due(now=NOON)

    assert Job.objects.get(kind="foundation.export").state == JobState.DONE
    assert ExportFile.objects.get().row_count == 0
