"""A reminder for the member's own calendar (RFC 5545). It holds neither code nor link: calendars are shared."""

from datetime import UTC, datetime, timedelta

AT_HOUR = 10  # people are awake, shops are open
LONGEST_LINE = 75  # octets


def before_the_end(*, until: datetime, now: datetime) -> datetime | None:
    """
    When to remind of a coupon that ends: the day before its last, at ten; else that last day; None when too late.

    `until` is half-open and, like `now`, local to the reader.
    """
    last = (until - timedelta(seconds=1)).replace(hour=AT_HOUR, minute=0, second=0, microsecond=0)
    return next((at for at in (last - timedelta(days=1), last) if now < at < until), None)


def at_the_start(*, begins: datetime) -> datetime:
    """When to remind of a coupon that is good later: on its first day, not before ten. Local to the reader."""
    return max(begins, begins.replace(hour=AT_HOUR, minute=0, second=0, microsecond=0))


def calendar_file(*, uid: str, made_at: datetime, at: datetime, summary: str, note: str) -> str:
    """One entry of half an hour that sounds when it begins."""
    lines = [
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//sms-console//coupon reminder//EN", "BEGIN:VEVENT",
        f"UID:{uid}", f"DTSTAMP:{_instant(made_at)}", f"DTSTART:{_instant(at)}", "DURATION:PT30M",
        f"SUMMARY:{_text(summary)}", f"DESCRIPTION:{_text(note)}", "TRANSP:TRANSPARENT", "BEGIN:VALARM",
        "ACTION:DISPLAY", f"DESCRIPTION:{_text(summary)}", "TRIGGER:PT0S", "END:VALARM", "END:VEVENT", "END:VCALENDAR",
    ]  # fmt: skip
    return "".join(f"{_folded(line)}\r\n" for line in lines)


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(text: str) -> str:
    for plain, escaped in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\r", ""), ("\n", "\\n")):
        text = text.replace(plain, escaped)
    return text


def _folded(line: str) -> str:
    """Lines longer than 75 octets go on after a blank; no character is cut."""
    parts, size = [""], 0
    for character in line:
        octets = len(character.encode())
        if size + octets > LONGEST_LINE:
            parts.append(" ")
            size = 1
        parts[-1] += character
        size += octets
    return "\r\n".join(parts)
