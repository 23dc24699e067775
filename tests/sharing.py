"""
Shares the test files among the processes: a file stays whole, and all files that need the whole stack stay together.

Loaded with `-p tests.sharing`. The stack takes a minute to start, so one process starts it, and first of all.
"""

from typing import Any

import pytest
from xdist.scheduler.loadfile import LoadFileScheduling

NEEDS_STACK = frozenset({f"tests/e2e/test_{name}.py" for name in ("files", "import", "journey", "segment", "studio")})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first; otherwise the order stays."""
    items.sort(key=lambda item: _file_of(item.nodeid) not in NEEDS_STACK)


def pytest_xdist_make_scheduler(config: Any, log: Any) -> "SharedStack":
    """Called by xdist in place of --dist's own."""
    return SharedStack(config, log)


class SharedStack(LoadFileScheduling):
    """Whole files, and the files of the stack as one."""

    def _split_scope(self, nodeid: str) -> str:
        file = _file_of(nodeid)
        return "stack" if file in NEEDS_STACK else file


def _file_of(nodeid: str) -> str:
    return nodeid.split("::", 1)[0]
