"""The first rows of each outcome, masked, so that a person sees what a file would do before it does it."""

from collections.abc import Mapping, Sequence
from typing import Any

from foundation.phone import mask_tail
from foundation.services.phones import open_phone
from members.models import ImportFile, ImportKind, Member, Store
from members.services.imports import errors
from members.services.imports.chunk import Tally
from members.services.imports.kinds import spec_of
from members.services.imports.reading import Layout

SAMPLE_ROWS = 20
# Columns of a member that one shown field stands for.
_PHONE = {"phone_hash", "phone_cipher", "phone_tail", "carrier"}


def wants_more(imported: ImportFile) -> bool:
    """Whether a dry run of members still lacks rows of some outcome."""
    if imported.kind != ImportKind.MEMBERS:
        return False
    return any(len(imported.samples.get(outcome, [])) < SAMPLE_ROWS for outcome in ("NEW", "CHANGED", "SAME"))


def add(imported: ImportFile, layout: Layout, rows: Sequence[list[str]], tally: Tally, *, first_line: int) -> None:
    """Put rows of one chunk to the samples on the (unsaved) import; `first_line` is the chunk's first row."""
    for line, code in sorted(tally.refused.items()):
        key = layout.columns[spec_of(imported.kind).key]
        shown = mask_row(layout, errors.shown(rows[line], code, key))
        _put(imported, "REFUSED", {"line": first_line + line, "cells": shown, "reason": code})
    stores = _stores(tally.sampled)
    for row in tally.sampled:
        change = _difference(row, stores) if row["outcome"] == "CHANGED" else []
        _put(imported, row["outcome"], {
            "line": first_line + row["line"], "phone": mask_tail(row["phone_tail"]), "name": mask_name(row["name"]),
            "change": change,
        })  # fmt: skip


def without(samples: Mapping[str, Sequence[dict[str, Any]]], members: Sequence[Member]) -> dict[str, Any]:
    """
    Samples without the rows that may be about these members: by card number, or by the digits that are shown.

    Somebody else's row that looks the same goes too; samples are there to look at.
    """
    tails = {mask_tail(one.phone_tail) for one in members if one.phone_tail}
    cards = {one.card_no for one in members}
    masks = {mask_cell("phone", open_phone(bytes(one.phone_cipher))) for one in members if one.phone_cipher}
    return {
        outcome: [
            row for row in rows if row.get("phone") not in tails and not (cards | masks) & {*row.get("cells", [])}
        ]
        for outcome, rows in samples.items()
    }


def _put(imported: ImportFile, outcome: str, row: dict[str, Any]) -> None:
    shown = imported.samples.setdefault(outcome, [])
    if len(shown) < SAMPLE_ROWS:
        shown.append(row)


def _stores(sampled: Sequence[dict[str, Any]]) -> dict[int, str]:
    ids = {
        facts["home_store_id"] for row in sampled for facts in (row["before"], row["after"])
        if facts and facts.get("home_store_id")
    }  # fmt: skip
    return dict(Store.objects.filter(pk__in=ids).values_list("pk", "code"))


def _difference(row: dict[str, Any], stores: dict[int, str]) -> list[list[str]]:
    """Field, old and new value of what would change; a phone is shown by its end."""
    before, after = row["before"], row["after"]
    found = []
    if "phone_hash" in before:
        # The tails are equal only when the file corrects the digits before them.
        found.append(["phone", mask_tail(before.get("phone_tail", row["phone_tail"])), mask_tail(row["phone_tail"])])
    for name in sorted(set(before) - _PHONE):
        old, new = before[name], after[name]
        if name == "home_store_id":
            found.append(["home_store", stores.get(old, ""), stores.get(new, "")])
        elif name == "name":
            found.append([name, mask_name(old), mask_name(new)])
        else:
            found.append([name, _text(old), _text(new)])
    return found


def _text(value: Any) -> str:
    """A value as people read it; an instant by its day."""
    text = "" if value is None else str(value)
    return text[:10] if "T" in text[10:11] else text


def mask_row(layout: Layout, row: Sequence[str]) -> list[str]:
    """The cells of the chosen columns in the order of the file, phone and name masked."""
    chosen = sorted((column, field) for field, column in layout.columns.items())
    return [mask_cell(field, row[column] if column < len(row) else "") for column, field in chosen]


def mask_cell(field: str, text: str) -> str:
    """A cell as a page may show it."""
    if field == "phone":
        digits = text.strip()
        return f"{digits[:3]}****{digits[-3:]}" if len(digits) >= 9 else "****" if digits else ""
    return mask_name(text) if field == "name" else text[:60]


def mask_name(name: str) -> str:
    """A person's name by its first character."""
    name = name.strip()
    return f"{name[0]}**" if name else ""
