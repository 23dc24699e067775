"""Logs as event and fields. No phones, codes or texts: digits that look like a mobile are masked as the net."""

import logging
import re

MOBILE = re.compile(r"(?<!\d)(1[3-9]\d)\d{4}(\d{4})(?!\d)")
STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "request", "status_code"}


class MaskFilter(logging.Filter):
    """Mask anything that reads like a mobile number in the finished line."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always lets the record pass, with its message masked."""
        record.msg = MOBILE.sub(r"\1****\2", record.getMessage())
        record.args = ()
        return True


class FieldsFormatter(logging.Formatter):
    """`2026-11-21 10:00:00 INFO members.imports chunk_written rows=10000`."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """The line with the record's own fields behind the event name."""
        fields = {key: value for key, value in record.__dict__.items() if key not in STANDARD}
        line = super().format(record)
        tail = " ".join(f"{key}={value}" for key, value in sorted(fields.items()) if not key.startswith("_"))
        return MOBILE.sub(r"\1****\2", f"{line} {tail}" if tail else line)
