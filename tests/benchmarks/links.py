"""`links`: short links followed through the real web server, each hit written down; the limit answers without a row."""

import itertools
import threading
import time

import httpx

from tests.benchmarks.stage import Result, peak_mb, web

CLIENTS = 2
PACE = 100  # a second, for the time that one visitor waits
AGENT = "Mozilla/5.0 (Linux; Android 14; V2309A) AppleWebKit/537.36 Chrome/120 Mobile Safari/537.36"


def run(n: int) -> Result:
    """Follow a link `n` times as fast as may be, then ten seconds at an even pace."""
    from delivery.models import Click, Link
    from tests.benchmarks.people import expect
    from tests.factories import NOON

    link = Link.objects.create(token="a1B2c3D4e5F", target="https://example.com/", created_at=NOON)
    with web() as address:
        limit = n / _together(f"{address}/healthz", n, 200)
        seconds = _together(f"{address}/l/{link.token}", n, 302)
        waits = _paced(f"{address}/l/{link.token}", 10 * PACE)
    expect("the kept hits", Click.objects.count(), n + len(waits))
    detail = {"clients": CLIENTS, "pace": PACE, "p50_ms": _percentile(waits, 50), "p99_ms": _percentile(waits, 99)}
    return Result("links", n, n / seconds, "redirects/s", limit, peak_mb(), detail)


def _together(url: str, n: int, status: int) -> float:
    """Seconds that `n` requests of all clients take."""
    turns, wrong = itertools.count(), []

    def client() -> None:
        with httpx.Client(trust_env=False, timeout=10, headers={"User-Agent": AGENT}) as session:
            while next(turns) < n:
                if session.get(url).status_code != status:
                    wrong.append(url)

    threads = [threading.Thread(target=client) for _number in range(CLIENTS)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise SystemExit(f"The benchmark is void: {len(wrong)} answers were not {status}.")
    return time.perf_counter() - began


def _paced(url: str, n: int) -> list[float]:
    """The milliseconds of each of `n` requests, one after the other at PACE."""
    waits = []
    with httpx.Client(trust_env=False, timeout=10, headers={"User-Agent": AGENT}) as session:
        began = time.perf_counter()
        for number in range(n):
            time.sleep(max(0.0, began + number / PACE - time.perf_counter()))
            asked = time.perf_counter()
            session.get(url)
            waits.append((time.perf_counter() - asked) * 1_000)
    return waits


def _percentile(values: list[float], percent: int) -> float:
    return round(sorted(values)[len(values) * percent // 100], 1)
