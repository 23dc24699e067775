"""System checks: names in settings must lead somewhere."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.utils.module_loading import import_string

from foundation.services.retention_file import BrokenRetention, load


@register()
def dotted_paths_resolve(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """Every handler, runner and provider that settings name by dotted path can be imported."""
    paths = [path for handlers in settings.OUTBOX_HANDLERS.values() for path in handlers]
    paths += [*settings.JOB_RUNNERS.values(), *settings.LEDGERS, *settings.LEDGER_PROOFS, *settings.REPLY_HANDLERS]
    paths += settings.WEBHOOK_FEEDS
    paths += [*settings.EXPORT_LISTS, settings.EXPORT_CHANGELISTS]
    paths += [*settings.LEAVE_HANDLERS, *settings.ERASE_HANDLERS, settings.ROW_SCOPE, settings.ROLE_NAME]
    return [
        Error(f"{path} is named in settings but can't be imported.", id="foundation.E001")
        for path in paths
        if not _resolves(path)
    ]


@register()
def retention_is_whole(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """Every field of every model has a rule in data_retention.toml, and every rule can be applied."""
    try:
        load()
    except BrokenRetention as broken:
        return [Error(line, id="foundation.E002") for line in str(broken).splitlines()]
    return []


def _resolves(path: str) -> bool:
    try:
        import_string(path)
    except ImportError:
        return False
    return True
