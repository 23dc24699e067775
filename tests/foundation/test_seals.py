"""The ledgers' seals: each kind of tampering is named, and what nobody touched is proved."""

from datetime import timedelta
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction

from coupons.models import Redemption
from foundation import clock
from foundation.db import execute, fetch_all, fetch_value
from foundation.models import LedgerSeal
from foundation.services import sealing
from foundation.services.ledgers import AUDIT, all_ledgers
from foundation.services.verifying import Verdict, prove, verify
from tests.factories import NOON
from tests.ledgers import TABLES, fill_all, redeem_and_undo, tamper, write_down

pytestmark = pytest.mark.django_db
LEDGERS = {one.name: one for one in all_ledgers()}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of three rows."""
    monkeypatch.setattr(sealing, "BLOCK_ROWS", 3)


def sealed_audit(count: int = 12) -> list[int]:
    """Audit entries in blocks of three; returns their ids."""
    write_down(count)
    sealing.seal_all(now=NOON)
    return [row[0] for row in fetch_all("SELECT id FROM foundation_auditentry ORDER BY id")]


def faults(verdict: Verdict | None = None) -> list[tuple]:
    """Code, block and named rows of each broken link of the audit."""
    broken = (verdict or verify(AUDIT)).broken
    return [(one.code, one.number, one.changed, one.missing, one.added) for one in broken]


def told(*args: str) -> tuple[str, bool]:
    """What the command prints, and whether it ends well."""
    out = StringIO()
    try:
        call_command("verify_ledgers", *args, stdout=out, stderr=StringIO())
    except CommandError:
        return out.getvalue(), False
    return out.getvalue(), True


def test_what_nobody_touched_is_proved_in_every_ledger():
    fill_all(4)

    sealed = sealing.seal_all(now=NOON)

    assert sealed == {"audit": fetch_value("SELECT count(*) FROM foundation_auditentry"), "consents": 4,
                      "redemptions": 4, "reversals": 4}  # fmt: skip
    for ledger in all_ledgers():
        verdict = verify(ledger)
        assert (verdict.broken, verdict.unsealed_count, verdict.row_count) == ([], 0, sealed[ledger.name])
        assert verdict.seal_count == -(-sealed[ledger.name] // 3)


@pytest.mark.parametrize("ledger", all_ledgers(), ids=lambda one: one.name)
def test_every_column_of_a_ledger_is_sealed_but_a_redemptions_state(ledger):
    (model,) = [one for one in apps.get_models() if one._meta.db_table == ledger.table]

    told = " ".join(ledger.layouts[-1])
    columns = {field.column for field in model._meta.concrete_fields}
    left_out = {one for one in columns if one not in ledger.layouts[-1] and f'"{one}"' not in told}
    assert left_out == ({"state"} if ledger.name == "redemptions" else set())


CHANGES = [
    (name, column)
    for name, ledger in LEDGERS.items()
    for column in [field.column for field in apps.get_model(ledger.table.replace("_", ".", 1))._meta.concrete_fields]
    if column not in ("id", "state")
]
OTHER = {
    "uuid": "gen_random_uuid()", "date": "{} + 1", "timestamp with time zone": "{} + interval '1 microsecond'",
    "character varying": "left(md5({}), 4)", "jsonb": "'{{}}'", "boolean": "NOT {}",
}  # fmt: skip
TYPE = "SELECT data_type FROM information_schema.columns WHERE table_name = %(table)s AND column_name = %(column)s"


@pytest.mark.parametrize(("name", "column"), CHANGES)
def test_a_change_of_any_column_names_its_row(name, column):
    fill_all(4)
    sealing.seal_all(now=NOON)
    table = LEDGERS[name].table
    pk = fetch_value(f"SELECT id FROM {table} ORDER BY id OFFSET 1 LIMIT 1")
    kind = fetch_value(TYPE, {"table": table, "column": column})
    value = OTHER.get(kind, "COALESCE({}, 0) + 1000000").format(f'"{column}"')

    tamper(f'UPDATE {table} SET "{column}" = {value} WHERE id = %(pk)s', pk=pk)

    assert [(one.code, one.number, one.changed) for one in verify(LEDGERS[name]).broken][:1] == [("ROWS", 1, [pk])]


def test_nothing_and_an_empty_text_are_not_the_same():
    sealed_audit(0)
    execute("INSERT INTO foundation_auditentry (at, action, subject, detail) VALUES (now(), '', 'a', 'null')")
    pk = fetch_value("SELECT max(id) FROM foundation_auditentry")
    sealing.seal_all(now=NOON)

    tamper("UPDATE foundation_auditentry SET action = 'a', subject = ''")

    assert faults() == [("ROWS", 1, [pk], [], [])]


def test_session_settings_change_no_fingerprint():
    fill_all(4)
    sealing.seal_all(now=NOON)

    execute("SET LOCAL timezone = 'Asia/Kathmandu'")
    execute("SET LOCAL datestyle = 'German'")
    execute("SET LOCAL extra_float_digits = 0")

    assert [verify(one).broken for one in all_ledgers()] == [[]] * len(TABLES)


def test_a_deleted_row_is_named():
    ids = sealed_audit()

    tamper("DELETE FROM foundation_auditentry WHERE id = %(pk)s", pk=ids[4])

    assert faults() == [("ROWS", 2, [], [ids[4]], [])]


def test_a_row_put_into_a_sealed_range_is_named():
    ids = sealed_audit(3)
    execute("SELECT setval(pg_get_serial_sequence('foundation_auditentry', 'id'), %(top)s)", {"top": ids[-1] + 5})
    write_down(3)
    sealing.seal_all(now=NOON)

    tamper("INSERT INTO foundation_auditentry (id, at, action, subject, detail) "
           "VALUES (%(pk)s, now(), 'a', 'b', '{}')", pk=ids[-1] + 2)  # fmt: skip

    assert faults() == [("ROWS", 2, [], [], [ids[-1] + 2])]


def test_a_row_put_before_all_others_is_named():
    sealed_audit(3)

    tamper("INSERT INTO foundation_auditentry (id, at, action, subject, detail) VALUES (-7, now(), 'a', 'b', '{}')")

    assert faults() == [("ROWS", 1, [], [], [-7])]


def test_two_rows_that_changed_places_are_named():
    ids = sealed_audit(6)

    for old, new in ((ids[0], -1), (ids[5], ids[0]), (-1, ids[5])):
        tamper("UPDATE foundation_auditentry SET id = %(new)s WHERE id = %(old)s", old=old, new=new)

    assert faults() == [("ROWS", 1, [ids[0]], [], []), ("ROWS", 2, [ids[5]], [], [])]


def test_a_seal_that_is_gone_is_named():
    ids = sealed_audit()

    tamper("DELETE FROM foundation_ledgerseal WHERE number = 2")

    (broken,) = verify(AUDIT).broken
    assert (broken.code, broken.number, broken.first_id, broken.last_id) == ("MISSING", 2, ids[3], ids[5])


def test_the_first_seal_that_is_gone_is_named():
    sealed_audit()

    tamper("DELETE FROM foundation_ledgerseal WHERE number = 1")

    assert faults() == [("MISSING", 1, [], [], [])]


@pytest.mark.parametrize(
    "change",
    ["sha256 = repeat('0', 64)", "previous_sha256 = repeat('0', 64)", "sealed_at = sealed_at - interval '1 day'",
     "layout = 9", "marks = '', row_count = 3, sha256 = repeat('0', 64), layout = 0"],
)  # fmt: skip
def test_a_seal_that_was_changed_is_named(change):
    sealed_audit()

    tamper(f"UPDATE foundation_ledgerseal SET {change} WHERE number = 3")

    assert faults()[0][:2] == ("SEAL", 3)


@pytest.mark.parametrize(
    ("change", "missing", "added"),
    [("last_id = last_id - 1", [5], []), ("first_id = first_id + 1", [3], []), ("first_id = first_id - 1", [], [2])],
)
def test_a_seal_that_takes_in_other_rows_names_them(change, missing, added):
    ids = sealed_audit()

    tamper(f"UPDATE foundation_ledgerseal SET {change} WHERE number = 2")

    assert faults()[0] == ("ROWS", 2, [], [ids[one] for one in missing], [ids[one] for one in added])


def test_marks_that_were_cut_do_not_stop_the_proof():
    ids = sealed_audit(3)

    tamper("UPDATE foundation_ledgerseal SET marks = substr(marks, 1, 37)")

    assert faults() == [("ROWS", 1, [], [], [ids[2]])]


def test_two_seals_that_changed_places_are_named():
    sealed_audit()

    for old, new in ((2, 99), (3, 2), (99, 3)):
        tamper("UPDATE foundation_ledgerseal SET number = %(new)s WHERE number = %(old)s", old=old, new=new)

    assert [fault[:2] for fault in faults()] == [("SEAL", 2), ("SEAL", 3), ("CHAIN", 4)]


def reseal(number: int) -> None:
    """What an owner of the database can do: rewrite a row, and make the last seals anew from there on."""
    tamper("DELETE FROM foundation_ledgerseal WHERE ledger = 'audit' AND number >= %(number)s", number=number)
    tamper("UPDATE foundation_auditentry SET action = 'never'"
           " WHERE id = (SELECT max(last_id) + 1 FROM foundation_ledgerseal)")  # fmt: skip
    sealing.seal_all(now=NOON)


def test_a_block_that_was_made_anew_does_not_carry_the_next_one():
    sealed_audit()
    tamper("CREATE TEMPORARY TABLE kept ON COMMIT DROP AS SELECT * FROM foundation_ledgerseal WHERE number > 2")

    reseal(2)
    tamper("DELETE FROM foundation_ledgerseal WHERE number > 2")
    tamper("INSERT INTO foundation_ledgerseal SELECT * FROM kept")

    assert [fault[:2] for fault in faults()] == [("CHAIN", 3)]


def test_a_chain_that_was_made_anew_is_found_by_the_head_that_was_kept(tmp_path):
    sealed_audit()
    kept = tmp_path / "heads.txt"
    kept.write_text(told()[0])

    reseal(2)

    assert verify(AUDIT).broken == []  # negative control: the chain alone can't know
    printed, is_well = told("--kept", str(kept))
    assert not is_well and "audit seal 4: it is not the seal that was kept" in printed


def test_the_head_that_was_kept_fits_a_ledger_that_grew(tmp_path):
    sealed_audit()
    kept = tmp_path / "heads.txt"
    kept.write_text(told()[0])
    sealed_audit()

    assert told("--kept", str(kept))[1]


def test_the_command_names_the_first_broken_link_and_ends_with_1():
    ids = sealed_audit()
    tamper("UPDATE foundation_auditentry SET action = 'x' WHERE id = %(pk)s", pk=ids[7])

    printed, is_well = told("--ledger", "audit")

    assert not is_well
    assert f"audit seal 3 (rows {ids[6]:,} to {ids[8]:,}): changed: {ids[7]}" in printed


def test_the_command_begins_where_it_is_told_to():
    ids = sealed_audit()
    tamper("UPDATE foundation_auditentry SET action = 'x' WHERE id = %(pk)s", pk=ids[0])

    assert told("--from-number", "2")[1] and not told("--from-number", "1")[1]
    tamper("DELETE FROM foundation_ledgerseal WHERE number = 2")
    assert "audit seal 2" in told("--from-number", "3")[0]


def test_the_command_says_what_is_not_sealed_yet():
    sealed_audit(3)
    execute("INSERT INTO foundation_auditentry (at, action, subject, detail) VALUES (%(at)s, 'a', 'b', '{}')",
            {"at": clock.now() - timedelta(seconds=90)})  # fmt: skip

    printed, is_well = told("--ledger", "audit")

    assert is_well and "ok, 3 rows in 1 seals, 1 not sealed yet, the oldest for 9" in printed


@pytest.mark.parametrize(
    ("args", "words"), [(["--from-number", "0"], "counted from 1"), (["--kept", "/nowhere"], "can't be read")]
)
def test_the_command_refuses_what_makes_no_sense(args, words):
    with pytest.raises(CommandError, match=words):
        call_command("verify_ledgers", *args)


def test_a_file_without_heads_is_refused(tmp_path):
    (tmp_path / "x").write_text("nothing")

    with pytest.raises(CommandError, match="holds no head"):
        call_command("verify_ledgers", "--kept", str(tmp_path / "x"))


@pytest.mark.parametrize(
    "change", ["UPDATE coupons_redemption SET state = 'REVERSED'", "UPDATE coupons_redemption SET state = 'ACCEPTED'"]
)
def test_a_state_without_its_undo_is_named(change):
    redeem_and_undo(2)
    tamper("DELETE FROM coupons_reversal WHERE id = (SELECT max(id) FROM coupons_reversal)")
    tamper("UPDATE coupons_redemption SET state = 'ACCEPTED' WHERE id = (SELECT max(id) FROM coupons_redemption)")
    sealing.seal_all(now=NOON)
    first, last = Redemption.objects.order_by("id").values_list("pk", flat=True)
    assert verify(LEDGERS["redemptions"]).broken == []

    tamper(change)

    wrong = last if "'REVERSED'" in change else first
    assert [(one.code, one.changed) for one in verify(LEDGERS["redemptions"]).broken] == [("STATE", [wrong])]


@pytest.mark.parametrize("change", ["UPDATE {} SET number = 9", "DELETE FROM {}", "TRUNCATE {}"])
def test_seals_are_append_only_too(change):
    sealed_audit(3)

    with pytest.raises(DatabaseError, match="Cannot"), transaction.atomic():
        execute(change.format("foundation_ledgerseal"))

    assert LedgerSeal.objects.count() == 1


def test_a_column_that_comes_later_leaves_old_seals_as_they_are(monkeypatch):
    sealed_audit(3)
    longer = AUDIT.layouts[0] + ("length(action)",)
    later = type(AUDIT)(AUDIT.name, AUDIT.table, AUDIT.at, (*AUDIT.layouts, longer))
    write_down(3)

    sealing.seal(later, until=2**60, now=NOON)

    assert list(LedgerSeal.objects.order_by("number").values_list("layout", flat=True)) == [1, 2]
    assert verify(later).broken == []


def test_the_nightly_proof_names_what_is_broken_and_keeps_the_heads_in_the_log(caplog):
    ids = sealed_audit()
    tamper("UPDATE foundation_auditentry SET action = 'x' WHERE id = ANY(%(ids)s)", ids=ids[7:9])
    caplog.set_level("INFO")

    (found,) = prove(now=NOON)

    wrong = [f"audit {ids[7]}", f"audit {ids[8]}"]
    assert (found.name, found.checked_count, found.wrong_count, found.samples) == ("seals", 12, 2, wrong)
    (head,) = [one for one in caplog.records if one.message == "ledger_head"]
    assert (head.ledger, head.number) == ("audit", 4)
    assert head.sha256.replace("-", "") == LedgerSeal.objects.get(number=4).sha256


def test_what_nobody_seals_for_an_hour_is_wrong():
    write_down(2)

    assert prove(now=NOON + timedelta(hours=1))[0].wrong_count == 0
    assert prove(now=NOON + timedelta(hours=1, seconds=1))[0].wrong_count == 2


def test_the_proof_tells_of_at_most_ten_links_and_counts_them_all():
    sealed_audit(36)
    tamper("UPDATE foundation_auditentry SET action = 'x'")

    verdict = verify(AUDIT)

    assert (len(verdict.broken), verdict.broken_count) == (10, 12)
    assert "and 2 more" in told()[0]


def test_a_backlog_is_sealed_in_rounds(monkeypatch):
    monkeypatch.setattr(sealing, "BLOCKS_AT_ONCE", 2)
    write_down(8)

    assert [sealing.seal_all(now=NOON)["audit"] for _round in range(3)] == [6, 2, 0]
    assert verify(AUDIT).broken == []
