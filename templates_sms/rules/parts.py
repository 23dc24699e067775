"""How many billed parts a text has, and what the whole text is (domestic rule: providers.md 1.3)."""

# One part holds 70 units; of several each holds 67, because three go to the joining header.
SINGLE_UNITS = 70
JOINED_UNITS = 67
# What the narrowest channels take, signature and opt-out words included.
MAX_UNITS = 500


def length_units(text: str) -> int:
    """Length in UTF-16 units, as carriers count: characters above U+FFFF (emoji) take two."""
    if text.isascii() or max(text) <= "\uffff":
        return len(text)
    return len(text) + sum(character > "\uffff" for character in text)


def count_parts(text: str) -> int:
    """
    Billed parts of a whole text, at least one; a character of two units is never split over two parts.

    Count the text as sent: with signature and opt-out words.
    """
    units = length_units(text)
    if units <= SINGLE_UNITS:
        return 1
    if units == len(text):
        return -(-units // JOINED_UNITS)
    return len(_split(text))


def split_parts(text: str) -> list[str]:
    """A whole text cut where the carriers cut it: as many pieces as `count_parts` counts."""
    return [text] if length_units(text) <= SINGLE_UNITS else _split(text)


def _split(text: str) -> list[str]:
    pieces, start, used = [], 0, 0
    for place, character in enumerate(text):
        width = 2 if character > "\uffff" else 1
        if used + width > JOINED_UNITS:
            pieces.append(text[start:place])
            start, used = place, 0
        used += width
    return [*pieces, text[start:]]


def full_text(*, signature: str, body: str, opt_out_words: str) -> str:
    """The text as the phone shows it: 【signature】, body, then the channel's opt-out words if it has any."""
    text = f"【{signature}】{body}"
    if not opt_out_words:
        return text
    # 拒收请回复R behind 满100减20R would read as one word; behind a full stop no space is paid for.
    needs_space = text[-1:].isalnum() and opt_out_words[:1].isalnum()
    return f"{text} {opt_out_words}" if needs_space else text + opt_out_words
