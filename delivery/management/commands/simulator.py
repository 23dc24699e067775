"""`python manage.py simulator`: the simulated carrier."""

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from delivery.adapters.simulator.carrier import Carrier
from delivery.adapters.simulator.push import push_for_ever
from delivery.adapters.simulator.scenario import ScenarioRefused
from delivery.adapters.simulator.scenario_files import load, shipped
from delivery.adapters.simulator.server import serve
from foundation import clock


class Command(BaseCommand):
    help = "Run the simulated carrier: takes messages, sends receipts and replies, writes to nobody."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Port, scenario, seed."""
        parser.add_argument("--port", type=int, default=8100)
        parser.add_argument(
            "--scenario", default=settings.SIMULATOR_SCENARIO,
            help=f"{', '.join(shipped())}, or the path of a scenario file (.toml)",
        )  # fmt: skip
        parser.add_argument("--seed", default="1", help="another seed: other fates for the same messages")

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until SIGINT or SIGTERM. Raises CommandError."""
        try:
            scenario = load(options["scenario"])
        except ScenarioRefused as wrong:
            raise CommandError(str(wrong)) from wrong
        settings.STATE_DIR.mkdir(parents=True, exist_ok=True)
        carrier = Carrier(
            path=settings.STATE_DIR / "simulator.sqlite3", scenario=scenario, seed=options["seed"],
            clock=lambda: clock.now().timestamp(),
        )  # fmt: skip
        try:
            server = serve(carrier=carrier, host="127.0.0.1", port=options["port"])
        except OSError as taken:
            raise CommandError(f"Port {options['port']} can't be used: {taken.strerror}") from taken
        stop = threading.Event()
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, lambda *_args: stop.set())
        self.stdout.write(f"Simulated carrier on 127.0.0.1:{server.server_port}")
        push_for_ever(carrier=carrier, stop=stop)
        server.shutdown()
