"""What all tests share: two months of ledger, a fake provider, real threads."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from delivery import registry
from foundation.db import execute
from tests.factories import MONTHS
from tests.fakes.provider import FakeProvider


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """The database of the run, with the two months in which the tests live."""
    with django_db_blocker.unblock():
        for month in MONTHS:
            execute("SELECT delivery_ensure_partition(%(month)s)", {"month": month})


@pytest.fixture
def committed(transactional_db: None) -> Iterator[None]:
    """Rows are really committed. Empties the message ledger at the end, which Django leaves alone as unmanaged."""
    yield
    execute("TRUNCATE delivery_message")


@pytest.fixture(scope="session", autouse=True)
def static_folder() -> None:
    """The place of collected static files, which a started console always has."""
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> FakeProvider:
    """A scripted provider behind the port; channels of vendor "fake" lead to it."""
    fake = FakeProvider()
    monkeypatch.setitem(registry.VENDORS, "fake", lambda channel: fake)
    return fake


@pytest.fixture
def import_folder(tmp_path: Any, settings: Any) -> Any:
    """Where imports of this test leave their error files."""
    settings.IMPORT_DIR = tmp_path / "imports"
    return settings.IMPORT_DIR


Race = Callable[[Callable[[int], Any], int], tuple[list[Any], list[Exception]]]


@pytest.fixture
def race() -> Race:
    """Call something from several threads at one moment; returns what they gave back and what they raised."""

    def run(call: Callable[[int], Any], times: int) -> tuple[list[Any], list[Exception]]:
        barrier = threading.Barrier(times)
        wins: list[Any] = []
        refusals: list[Exception] = []

        def one(number: int) -> None:
            try:
                connection.ensure_connection()
                barrier.wait(timeout=20)
                wins.append(call(number))
            except Exception as refusal:
                refusals.append(refusal)
            finally:
                connection.close()

        threads = [threading.Thread(target=one, args=(number,)) for number in range(times)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert not any(thread.is_alive() for thread in threads)
        return wins, refusals

    return run
