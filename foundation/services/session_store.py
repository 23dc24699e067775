"""Sessions in the database, as Django keeps them, with whose they are. Named by SESSION_ENGINE."""

from datetime import UTC, datetime
from typing import Any, cast

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

from foundation.models import Session
from foundation.services.sessions import BEGUN


class SessionStore(DatabaseStore):
    """Django's store over our table."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        """Our table."""
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        """The row, with operator and login out of what the session holds."""
        row = cast(Session, super().create_model_instance(data))
        row.operator_id = int(data[SESSION_KEY]) if SESSION_KEY in data else None
        row.begun_at = datetime.fromtimestamp(data[BEGUN], UTC) if BEGUN in data else None
        return row
