"""What the database itself refuses to do to a ledger."""

import pgtrigger


def never_emptied() -> pgtrigger.Trigger:
    """TRUNCATE passes triggers of rows, so it is refused by one of its own."""
    return pgtrigger.Trigger(
        name="never_emptied", level=pgtrigger.Statement, when=pgtrigger.Before, operation=pgtrigger.Truncate,
        func="RAISE EXCEPTION 'pgtrigger: Cannot truncate % table', TG_TABLE_NAME;",
    )  # fmt: skip


def append_only() -> list[pgtrigger.Trigger]:
    """Rows are added, and that is all."""
    return [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete), never_emptied()]
