import csv
from pathlib import Path

import pytest

from foundation.errors import DomainError
from foundation.models import AuditEntry, Job, JobState
from foundation.services import jobs
from foundation.services.phones import hash_phone, open_phone
from members.models import ConsentEvent, ImportFile, Member, Order, OrderLine, PhoneGate, Store
from members.services.consent import opt_out
from members.services.imports import import_now, run, start_import
from members.services.imports.reading import CannotImport, Layout, read_head, with_columns
from tests.factories import NOON, make_store, mobile

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("import_folder")]

HEADER = ["会员卡号", "手机号", "姓名", "归属门店", "营销同意", "城市"]


def write(folder: Path, rows: list[list[str]], *, header: list[str] = HEADER, encoding: str = "utf-8") -> Path:
    path = folder / "members.csv"
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def bring(path: Path, kind: str = "MEMBERS", **options) -> ImportFile:
    return import_now(kind=kind, path=path, name=path.name, by=None, now=NOON, **options)


def layout_of(path: Path) -> Layout:
    return with_columns(read_head(path), "MEMBERS", None)


def counts(imported: ImportFile) -> tuple[int, int, int, int]:
    return imported.new_count, imported.changed_count, imported.same_count, imported.refused_count


def errors(imported: ImportFile) -> list[list[str]]:
    with Path(imported.error_path).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def consent_of(phone: str) -> str | None:
    return PhoneGate.objects.filter(phone_hash=hash_phone(phone)).values_list("consent", flat=True).first()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_members_come_in_from_any_usual_encoding(tmp_path, encoding):
    make_store("S1")

    imported = bring(write(tmp_path, [["K1", mobile(1), "王𠮷", "S1", "是", "上海"]], encoding=encoding))

    member = Member.objects.get()
    assert counts(imported) == (1, 0, 0, 0)
    assert (member.card_no, member.name, member.city, member.home_store.code) == ("K1", "王𠮷", "上海", "S1")
    assert (member.phone_tail, open_phone(member.phone_cipher)) == ("0001", mobile(1))
    assert consent_of(mobile(1)) == "GRANTED"
    assert (imported.job.state, imported.job.done_count, imported.job.total_count) == (JobState.DONE, 1, 1)


def test_a_second_file_tells_new_changed_same_and_refused_apart(tmp_path):
    make_store("S1")
    bring(write(tmp_path, [[f"K{n}", mobile(n), f"会员{n}", "S1", "", "上海"] for n in range(4)]))
    ciphers = dict(Member.objects.values_list("card_no", "phone_cipher"))

    imported = bring(
        write(
            tmp_path,
            [
                ["K0", mobile(0), "会员0", "S1", "", "上海"],  # same
                ["K1", mobile(1), "", "", "", ""],  # blanks keep what is known: same
                ["K2", mobile(2), "改名", "S1", "", "上海"],  # changed
                ["K3", mobile(33), "会员3", "S1", "", "上海"],  # a new phone: changed
                ["K9", mobile(9), "会员9", "", "", ""],  # new
                ["K8", "12345", "会员8", "", "", ""],  # refused: phone
                ["K7", mobile(7), "会员7", "S404", "是", ""],  # refused: store
                ["", mobile(6), "会员6", "", "", ""],  # refused: card
            ],
        )
    )

    assert counts(imported) == (1, 2, 2, 3)
    assert sorted(Member.objects.values_list("card_no", flat=True)) == ["K0", "K1", "K2", "K3", "K9"]
    changed = {one.card_no: one for one in Member.objects.all()}
    assert (changed["K1"].name, changed["K1"].city, changed["K2"].name) == ("会员1", "上海", "改名")
    assert bytes(changed["K2"].phone_cipher) == bytes(ciphers["K2"])
    assert open_phone(changed["K3"].phone_cipher) == mobile(33)
    assert consent_of(mobile(7)) is None
    assert bring(tmp_path / "members.csv").same_count == 5


def test_the_error_file_holds_the_refused_rows_with_their_reason_and_no_formulas(tmp_path):
    rows = [
        ["K1", "=1+1", '=HYPERLINK("x")', "", "", "+城"],
        ["K2", mobile(2), "好人", "", "", ""],
        ["K3", mobile(3), "@SUM(A1)", "S404", "", "-x"],
        ["K4", mobile(4), "先来", "", "", ""],
        ["K4", mobile(5), "后到", "", "", ""],
    ]

    imported = bring(write(tmp_path, rows))

    found = errors(imported)
    assert found[0] == [*HEADER, found[0][-1]]
    assert [row[:6] for row in found[1:]] == [
        ["K1", "'=1+1", '\'=HYPERLINK("x")', "", "", "'+城"],
        ["K3", mobile(3), "'@SUM(A1)", "S404", "", "'-x"],
        ["K4", mobile(4), "先来", "", "", ""],
    ]
    assert all(len(row) == 7 and row[6] for row in found)
    assert counts(imported) == (2, 0, 0, 3)
    assert Member.objects.get(card_no="K4").name == "后到"


def test_a_dry_run_counts_like_the_real_one_and_changes_nothing(tmp_path):
    make_store("S1")
    bring(write(tmp_path, [["K1", mobile(1), "旧", "S1", "是", ""]]))
    before = list(Member.objects.values()), list(PhoneGate.objects.values()), ConsentEvent.objects.count()
    path = write(
        tmp_path,
        [["K1", mobile(1), "新", "S1", "否", ""], ["K2", mobile(2), "二", "", "是", ""], ["K3", "1", "三", "", "", ""]],
    )

    dry = bring(path, is_dry_run=True)

    assert (list(Member.objects.values()), list(PhoneGate.objects.values()), ConsentEvent.objects.count()) == before
    real = bring(path)
    assert counts(dry) == counts(real) == (1, 1, 0, 1)
    assert errors(dry) == errors(real)


@pytest.mark.usefixtures("committed")
def test_an_import_that_was_killed_goes_on_with_the_exact_next_row(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "CHUNK_ROWS", 3)
    rows = [[f"K{n}", mobile(n) if n % 4 else "bad", f"会员{n}", "", "是", ""] for n in range(10)]
    imported = start_import(kind="MEMBERS", path=write(tmp_path, rows), name="m.csv", by=None, now=NOON)
    job = imported.job
    jobs.claim_next(now=NOON)
    write_at = run.errors.write_at

    def die_in_chunk_two(path: Path, lines: bytes, at: int) -> None:
        write_at(path, lines, at)
        if job.done_count > 3:
            raise KeyboardInterrupt  # the process is gone: nobody writes the job's end

    monkeypatch.setattr(run.errors, "write_at", die_in_chunk_two)
    with pytest.raises(KeyboardInterrupt):
        run.run_job(job=job, now=NOON)
    assert Job.objects.get().done_count == 3
    monkeypatch.setattr(run.errors, "write_at", write_at)
    Job.objects.update(lease_until=NOON.replace(year=2020))

    assert jobs.run_due(now=NOON) == 1

    imported.refresh_from_db()
    assert counts(imported) == (7, 0, 0, 3)
    assert [row[0] for row in errors(imported)[1:]] == ["K0", "K4", "K8"]
    assert Member.objects.count() == ConsentEvent.objects.count() == 7
    assert Job.objects.get().state == JobState.DONE


@pytest.mark.usefixtures("committed")
def test_a_worker_that_lost_the_import_writes_neither_rows_nor_errors(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "CHUNK_ROWS", 2)
    rows = [[f"K{n}", "bad", "x", "", "", ""] for n in range(4)]
    imported = start_import(kind="MEMBERS", path=write(tmp_path, rows), name="m.csv", by=None, now=NOON)
    jobs.claim_next(now=NOON)
    late = Job.objects.get()
    Job.objects.update(lease_until=NOON.replace(year=2020))
    jobs.run_due(now=NOON)
    Job.objects.update(state=JobState.RUNNING)  # as if the other worker had just not finished yet
    imported.refresh_from_db()
    before = errors(imported)

    with pytest.raises(jobs.JobLost):
        run._import_chunk(
            imported, late, run.spec_of("MEMBERS"), layout_of(tmp_path / "members.csv"), rows[:2], 4,
            Path(imported.error_path), 10, now=NOON,
        )  # fmt: skip

    assert errors(imported) == before
    imported.refresh_from_db()
    assert counts(imported) == (0, 0, 0, 4)


def test_consent_comes_in_is_withdrawn_and_is_kept_by_a_blank(tmp_path):
    bring(write(tmp_path, [[f"K{n}", mobile(n), "", "", "是", ""] for n in range(3)]))

    bring(write(tmp_path, [["K0", mobile(0), "", "", "", ""], ["K1", mobile(1), "", "", "否", ""]]))

    assert [consent_of(mobile(n)) for n in range(3)] == ["GRANTED", "NONE", "GRANTED"]
    events = ConsentEvent.objects.order_by("id").values_list("consent", "source")
    assert list(events) == [("GRANTED", "IMPORT")] * 3 + [("NONE", "IMPORT")]
    assert ConsentEvent.objects.last().proof == f"import:{ImportFile.objects.last().pk}"


def test_an_import_never_revives_an_opt_out(tmp_path):
    opt_out(phone_hash=hash_phone(mobile(1)), source="REPLY", proof="reply:1", now=NOON)

    bring(write(tmp_path, [["K1", mobile(1), "", "", "是", ""]]))
    bring(write(tmp_path, [["K1", mobile(1), "", "", "否", ""]]))

    assert consent_of(mobile(1)) == "OPTED_OUT"
    assert ConsentEvent.objects.count() == 1


def test_two_cards_of_one_phone_one_no_is_a_no(tmp_path):
    bring(write(tmp_path, [["K1", mobile(1), "", "", "是", ""], ["K2", mobile(1), "", "", "否", ""]]))

    assert consent_of(mobile(1)) == "NONE"


def orders(folder: Path, rows: list[list[str]]) -> Path:
    return write(folder, rows, header=["订单号", "卡号", "门店编码", "支付时间", "实付金额", "优惠金额", "行数"])


def lines(folder: Path, rows: list[list[str]]) -> Path:
    return write(folder, rows, header=["订单号", "货号", "品名", "品类", "数量", "金额"])


def test_stores_orders_and_lines_come_in_and_unknown_parents_are_refused(tmp_path):
    stores = bring(write(tmp_path, [["S1", "一店", "上海"]], header=["门店编码", "门店名称", "城市"]), "STORES")
    bring(write(tmp_path, [["K1", mobile(1), "", "S1", "", ""]]))

    baskets = bring(
        orders(
            tmp_path,
            [
                ["N1", "K1", "S1", "2026-11-01 10:00", "12.50", "-1", "2"],
                ["N2", "K404", "S1", "2026-11-01", "1", "", ""],
                ["N3", "K1", "S404", "2026-11-01", "1", "", ""],
            ],
        ),
        "ORDERS",
    )
    pieces = bring(
        lines(tmp_path, [["N1", "A", "苹果", "水果", "0.35", "12.5"], ["N404", "A", "", "", "", "1"]]), "ORDER_LINES"
    )

    assert (counts(stores), counts(baskets), counts(pieces)) == ((1, 0, 0, 0), (1, 0, 0, 2), (1, 0, 0, 1))
    order = Order.objects.get()
    assert (order.order_no, order.amount_fen, order.discount_fen, order.line_count) == ("N1", 1_250, 100, 2)
    assert order.paid_at.isoformat() == "2026-11-01T02:00:00+00:00"
    line = OrderLine.objects.get()
    assert (line.category, line.quantity_milli, line.amount_fen) == ("水果", 350, 1_250)
    member = Member.objects.get()
    assert (member.purchase_count, member.spend_fen, member.lifecycle) == (1, 1_250, "ACTIVE")
    assert member.categories.get().spend_fen == 1_250
    assert Store.objects.get().city == "上海"


def test_a_corrected_order_changes_the_row_and_is_never_doubled(tmp_path):
    bring(write(tmp_path, [["K1", mobile(1), "", "", "", ""]]))
    bring(orders(tmp_path, [["N1", "K1", "", "2026-11-01", "10", "", ""]]), "ORDERS")

    imported = bring(orders(tmp_path, [["N1", "K1", "", "2026-10-01", "20", "", ""]]), "ORDERS")

    assert counts(imported) == (0, 1, 0, 0)
    assert Order.objects.get().amount_fen == 2_000
    assert Member.objects.get().spend_fen == 2_000


def test_a_corrected_category_takes_the_old_one_away(tmp_path):
    bring(write(tmp_path, [["K1", mobile(1), "", "", "", ""]]))
    bring(orders(tmp_path, [["N1", "K1", "", "2026-11-01", "10", "", ""]]), "ORDERS")
    bring(lines(tmp_path, [["N1", "A", "", "水果", "1", "10"]]), "ORDER_LINES")

    bring(lines(tmp_path, [["N1", "A", "", "蔬菜", "1", "10"]]), "ORDER_LINES")

    assert list(Member.objects.get().categories.values_list("category", flat=True)) == ["蔬菜"]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", "姓名\n小王\n".encode(), b"\xff\xff\xff"])
def test_a_file_that_is_no_table_is_refused_before_anything_is_queued(tmp_path, content):
    path = tmp_path / "x.csv"
    path.write_bytes(content)

    with pytest.raises(CannotImport):
        start_import(kind="MEMBERS", path=path, name="x.csv", by=None, now=NOON)

    assert not Job.objects.exists() and not ImportFile.objects.exists() and not AuditEntry.objects.exists()


@pytest.mark.usefixtures("committed")
def test_a_quotation_mark_that_is_never_closed_ends_the_import_with_a_sentence(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text('card_no,phone\nK1,"' + "1" * 300_000, encoding="utf-8")

    with pytest.raises(DomainError, match="2"):
        bring(path)

    assert Job.objects.get().state == JobState.FAILED
    assert not Member.objects.exists()


def test_a_file_is_read_in_chunks_and_never_held_whole(tmp_path):
    import tracemalloc

    path = write(tmp_path, [[f"K{n}", mobile(n), "会员" * 10, "", "是", "上海"] for n in range(60_000)])
    layout = layout_of(path)
    tracemalloc.start()
    chunks = sum(1 for _chunk in run.in_chunks(run.read_rows(path, layout), 2_000, 0))
    _size, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert chunks == 30
    assert path.stat().st_size > 5_000_000
    assert peak < 6_000_000
