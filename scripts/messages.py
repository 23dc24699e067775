"""
Translations without gettext installed: extract, keep, compile; `--check` changes nothing.

Python strings are read by Babel; templates are first turned into Python by Django's own `templatize`.
The catalogue also holds the strings of the admin theme and other packages that bring no Chinese.
"""

import io
import sys
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("foundation", "members", "templates_sms", "coupons", "delivery", "campaigns", "console")
PO = ROOT / "console" / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
MO = PO.with_suffix(".mo")
THEME = ROOT / "console" / "locale" / "theme.txt"
STABLE_DATE = datetime(2026, 1, 1, tzinfo=UTC)
KEYWORDS = {
    "_": None, "gettext": None, "gettext_lazy": None, "ngettext": (1, 2), "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2), "pgettext_lazy": ((1, "c"), 2), "npgettext": ((1, "c"), 2, 3),
}  # fmt: skip


def found() -> Catalog:
    """Every string that the project asks for, with the files that ask."""
    catalog = Catalog(locale="zh_Hans", project="sms-console", charset="utf-8")
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")) + sorted((ROOT / room).rglob("*.html")):
            if "migrations" in path.parts:
                continue
            text = path.read_text(encoding="utf-8")
            # A template's own indentation means nothing to Python's tokenizer.
            source = "\n".join(map(str.strip, templatize(text).splitlines())) if path.suffix == ".html" else text
            place = path.relative_to(ROOT).as_posix()
            for _line, message, _comments, context in extract("python", io.BytesIO(source.encode()), KEYWORDS):
                catalog.add(message, locations=[(place, 0)], context=context)
    if THEME.exists():
        for line in THEME.read_text(encoding="utf-8").splitlines():
            if line.strip() and not line.startswith("#"):
                catalog.add(line, locations=[("console/locale/theme.txt", 0)])
    return catalog


def merged() -> Catalog:
    """What is asked for, with the translations that exist; what nobody asks for any more is dropped."""
    wanted = found()
    with PO.open("rb") as file:
        kept = read_po(file, locale="zh_Hans")
    for message in wanted:
        if message.id and (old := kept.get(message.id, context=message.context)) is not None:
            message.string = old.string
            message.flags = set(old.flags) | set(message.flags)
    return wanted


def missing(catalog: Catalog) -> list[str]:
    """Strings without a Chinese translation."""
    gaps = []
    for message in catalog:
        strings = message.string if isinstance(message.string, tuple | list) else (message.string,)
        if message.id and (not all(strings[:1]) or message.fuzzy):
            gaps.append(message.id if isinstance(message.id, str) else message.id[0])
    return gaps


def written(catalog: Catalog) -> bytes:
    """The catalogue as bytes, the same for the same strings."""
    po = io.BytesIO()
    write_po(po, catalog, sort_output=True, omit_header=False, include_lineno=False, width=110)
    dated = ('"POT-', '"PO-Rev', '"Generated', '"Report', '"Last-T', '"Language-Team', "# Copyright", "# FIRST")
    lines = [line for line in po.getvalue().decode().splitlines() if not line.startswith(dated)]
    return ("\n".join(lines) + "\n").encode()


def main() -> int:
    """Write both files, or with --check compare them and name what is missing."""
    catalog = merged()
    gaps = missing(catalog)
    po = written(catalog)
    if "--check" not in sys.argv:
        PO.write_bytes(po)
        MO.write_bytes(read_back(po))
        print(f"{len(catalog)} strings, {len(gaps)} without translation")
        return 0
    stale = PO.read_bytes() != po or MO.read_bytes() != read_back(po)
    for gap in gaps:
        print(f"No translation: {gap}")
    if stale:
        print("The catalogue is not up to date: run `make messages`.")
    return 1 if gaps or stale else 0


def read_back(po: bytes) -> bytes:
    """The compiled form of a PO file; reading it back makes it independent of how it was built."""
    out = io.BytesIO()
    catalog = read_po(io.BytesIO(po), locale="zh_Hans")
    catalog.creation_date = catalog.revision_date = STABLE_DATE  # the header must not name the moment of building
    write_mo(out, catalog)
    return out.getvalue()


if __name__ == "__main__":
    sys.exit(main())
