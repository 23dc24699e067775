"""Fields of admin forms that show a column as people say it."""

import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

_CLOCK = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)")
DAY_MINUTES = 24 * 60


class MinuteOfDayField(forms.Field):
    """A minute of the day, typed as 08:00; 24:00 is the end of the day."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs, widget=UnfoldAdminTextInputWidget({"maxlength": 5, "size": 5}))

    def prepare_value(self, value: Any) -> Any:
        """What the form shows."""
        return f"{value // 60:02}:{value % 60:02}" if isinstance(value, int) else value

    def to_python(self, value: Any) -> Any:
        """Minutes since midnight."""
        found = _CLOCK.fullmatch(str(value or "").replace("：", ":").strip())
        minute = int(found[1]) * 60 + int(found[2]) if found else DAY_MINUTES + 1
        if minute > DAY_MINUTES:
            raise forms.ValidationError(_("Write the time like 08:00."))
        return minute

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether another minute was typed; 8:00 is the same as 08:00."""
        try:
            return bool(self.to_python(data) != initial)
        except forms.ValidationError:
            return True
