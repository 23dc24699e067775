"""Places where a test may kill the process. Off unless settings.FAIL_POINT names one."""

import os
import signal

from django.conf import settings


def reach(name: str) -> None:
    """Die by SIGKILL, like a power cut, when this is the fail-point that settings name."""
    if name == settings.FAIL_POINT:
        os.kill(os.getpid(), signal.SIGKILL)
