"""
The long run of `make chaos`: the whole stack, 100,000 messages at 400 a second, kill -9 all the while.

Prints one line of JSON per sample and one at the end; ends with 1 when a promise was broken.
"""

import argparse
import json
import os
import shutil
import signal
import sys
from pathlib import Path

import django

from tests.e2e.stack import Stack
from tests.embedded_plugin import temporary_folder

KNOWN = ("DATABASE_URL", "BROKER_URL", "CACHE_URL", "SECRET_KEY", "PHONE_KEYS", "PHONE_INDEX_KEY")
TELL = f"import json; from django.conf import settings; print(json.dumps({{n: getattr(settings, n) for n in {KNOWN}}}))"
# Patience is shortened so that the run settles in minutes: who is unsure is asked about after 6 s, not after 60.
PATIENCE = {"MESSAGE_LEASE_SECONDS": "10", "UNSURE_GRACE_SECONDS": "60"}


def options() -> argparse.Namespace:
    """What the caller wants."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--speed", type=int, default=400, help="messages a second")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scenario", default="chaos", help="of the simulated carrier")
    parser.add_argument("--keep", action="store_true", help="leave the state folder with its logs")
    return parser.parse_args()


def lead_to(stack: Stack) -> None:
    """Make this process a part of the running stack."""
    told = stack.manage("shell", "-v", "0", "-c", TELL).strip().splitlines()[-1]
    os.environ |= stack.env | json.loads(told) | {"DJANGO_SETTINGS_MODULE": "console.settings"}
    django.setup()


def main() -> int:
    """Start the stack, lay siege to it, stop it."""
    asked = options()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_args: sys.exit(128))
    folder = temporary_folder("sms-console-chaos-")
    stack = Stack(folder)
    stack.env |= PATIENCE | {"SIMULATOR_SCENARIO": asked.scenario}
    try:
        stack.start()
        lead_to(stack)
        from tests.chaos.siege import Siege  # needs settings

        siege = Siege(folder=Path(stack.env["STATE_DIR"]), people=asked.people, kills=asked.kills, seed=asked.seed)
        return siege.run(speed=asked.speed)
    finally:
        stack.stop()
        if not asked.keep:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
