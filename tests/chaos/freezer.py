"""A freezing process that dies by SIGKILL right after the n-th call of a named step: NAME N INSTANT."""

import os
import signal
import sys
from datetime import datetime
from typing import Any

import django

CHUNK_PEOPLE = 100


def main(step: str, nth: int, now: datetime) -> None:
    """Freeze all open runs, up to the step that kills."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
    django.setup()

    from campaigns.services import freeze

    real, calls = getattr(freeze, step), 0

    def deadly(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        answer = real(*args, **kwargs)
        calls += 1
        if calls == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    setattr(freeze, step, deadly)
    freeze.CHUNK_PEOPLE = CHUNK_PEOPLE
    freeze.freeze_open(now=now)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), datetime.fromisoformat(sys.argv[3]))
