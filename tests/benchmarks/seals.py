"""`seals`: a consent ledger sealed and proved; the limit only reads and hashes each row."""

from tests.benchmarks.stage import Result, peak_mb, timed

EVENTS = """
INSERT INTO members_consentevent (phone_hash, consent, source, proof, reason, at)
SELECT md5(i::text)::uuid, 'GRANTED', 'IMPORT', 'import:' || i / 5000, '', %(now)s - make_interval(secs => i)
FROM generate_series(1, %(n)s) i
"""
LIMIT = "SELECT count(sha256(convert_to(e::text, 'UTF8'))) FROM members_consentevent e"


def run(n: int) -> Result:
    """Seal `n` consent events in rounds as Beat does, then prove them."""
    from foundation.db import execute, fetch_value
    from foundation.services.sealing import seal_all
    from foundation.services.verifying import verify
    from members.services.ledgers import CONSENTS
    from tests.benchmarks.people import expect, vacuum
    from tests.factories import NOON

    execute(EVENTS, {"n": n, "now": NOON})
    vacuum("members_consentevent")
    limit = n / timed(lambda: fetch_value(LIMIT))

    def seal() -> None:
        while seal_all(now=NOON)["consents"]:
            pass

    sealed = n / timed(seal)
    verdicts = []
    proved = n / timed(lambda: verdicts.append(verify(CONSENTS)))
    expect("the proof", (verdicts[0].row_count, verdicts[0].broken_count, verdicts[0].unsealed_count), (n, 0, 0))
    size = fetch_value("SELECT pg_total_relation_size('foundation_ledgerseal') / 1024 / 1024")
    return Result(
        "seals", n, proved, "rows/s proved", limit, peak_mb(), {"sealed_per_s": round(sealed), "seals_mb": size}
    )
