"""Cells as people write them, into values; each refusal is a sentence."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.utils.translation import gettext as _
from django.utils.translation import override
from import_export.widgets import Widget

from foundation.phone import PhoneRefused, parse_mobile
from members.services.imports.errors import reason_sentence

SHANGHAI = ZoneInfo("Asia/Shanghai")
YES = frozenset({"1", "true", "yes", "y", "是", "开", "营业", "对"})
NO = frozenset({"0", "false", "no", "n", "否", "关", "停业", "不"})
DAY_FORMS = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%Y%m%d")
SEPARATORS = str.maketrans(dict.fromkeys("，、;；/| \t", ","))


class TextWidget(Widget):
    """Text without blanks around it. A quote that keeps a spreadsheet from running a cell is taken away again."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        """The text."""
        text = str(value or "").strip()
        return text[1:] if text.startswith("'") and text[1:2] in "=+-@|%" and len(text) > 1 else text


class YesWidget(Widget):
    """是 or 否."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> bool:
        """Raises ValueError for anything else."""
        word = str(value).strip().casefold()
        if word in YES or word in NO:
            return word in YES
        raise ValueError(_("Write yes or no."))


class ChoiceWidget(Widget):
    """One of some choices, by its code or by its name in either language."""

    def __init__(self, choices: Sequence[tuple[Any, Any]]) -> None:
        super().__init__()
        self._choices = choices

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        """Raises ValueError with what may stand there."""
        wanted = str(value).strip().casefold()
        found = self._known().get(wanted)
        if found is None:
            names = ", ".join(str(name) for _code, name in self._choices)
            raise ValueError(_("Write one of these: %(names)s.") % {"names": names})
        return found

    def _known(self) -> Mapping[str, str]:
        known: dict[str, str] = {}
        for language in ("zh-hans", "en"):
            with override(language):
                known |= {str(name).casefold(): str(code) for code, name in self._choices}
        return known | {str(code).casefold(): str(code) for code, _name in self._choices}


class DayWidget(Widget):
    """A day."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> date | None:
        """None for a blank. Raises ValueError for what is no day; workbooks have midnight behind it."""
        text = str(value or "").strip().removesuffix(" 00:00:00").removesuffix("T00:00:00")
        for form in DAY_FORMS:
            try:
                return datetime.strptime(text, form).date()  # noqa: DTZ007  a day has no zone
            except ValueError:
                continue
        if not text:
            return None
        raise ValueError(_("Write the day like 2026-10-01."))


class EndOfDayWidget(DayWidget):
    """The last day on which something holds, as the instant at which it no longer does."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> datetime | None:
        """Midnight of Shanghai behind the day; None for a blank."""
        day = super().clean(value, row)
        return None if day is None else datetime.combine(day + timedelta(days=1), time(), SHANGHAI)


class PhoneWidget(Widget):
    """A mobile number."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        """Eleven digits. Raises ValueError with the reason, never with the number."""
        try:
            return parse_mobile(str(value or ""))
        except PhoneRefused as refusal:
            raise ValueError(reason_sentence(f"PHONE_{refusal.code}")) from None


class ZoneWidget(TextWidget):
    """A time zone by its name in the zone database."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        """Raises ValueError for an unknown one: a till would stand still at it."""
        name = super().clean(value, row)
        if name not in available_timezones():
            raise ValueError(_("There is no such time zone. In China it is Asia/Shanghai."))
        return name


class CodesWidget(TextWidget):
    """Several store codes in one cell."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Any:
        """The codes, sorted, without doubles."""
        text = super().clean(value, row).translate(SEPARATORS)
        return tuple(sorted({code for code in text.split(",") if code}))
