"""
Words, links and marks that law or carriers object to, with their places in the text as typed.

Words are looked up in a folded text: NFKC, lower case, without spaces, punctuation and invisible
characters, so that "最 好", "最-好" and "Ｖ信" are found; every folded character knows its place.
A word that is part of a longer one counts once, as the longer one.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import ahocorasick_rs

from templates_sms.rules.default_words import DEFAULT_WORD_ROWS

WordKind = Literal["BANNED", "RISKY"]
FindingKind = Literal["BANNED", "RISKY", "LINK", "INVISIBLE", "SIGNATURE_IN_BODY", "OPT_OUT_TYPED"]


@dataclass(frozen=True, slots=True)
class Word:
    """One entry of the list. `substitute` '' means there is no safer word: rewrite."""

    word: str
    kind: WordKind
    advice: str = ""
    substitute: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found at [start, end) of the text as typed; `word` is the listed word or the text found."""

    start: int
    end: int
    word: str
    kind: FindingKind
    advice: str
    substitute: str

    @property
    def is_forbidden(self) -> bool:
        """Whether no channel takes a text with it; the others are for whoever decides to weigh."""
        return self.kind not in ("RISKY", "LINK")


DEFAULT_WORDS: tuple[Word, ...] = tuple(
    Word(word, "BANNED" if kind == "BANNED" else "RISKY", advice, substitute)
    for word, kind, advice, substitute in DEFAULT_WORD_ROWS
)

_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
# A bare domain needs a known ending: "3.5" and "v2.0" are no links.
_LINK = re.compile(
    r"https?\s*[:：]\s*/\s*/[^\s，。；！？【】（）{}]*"
    r"|www\s*[.．。][^\s，。；！？【】（）{}]+"
    r"|(?<![a-z0-9.-])(?:[a-z0-9-]+\.)+"
    r"(?:com|cn|net|org|cc|top|xyz|vip|shop|io|me|co|tv|info|club|site|online|link|ink|ltd|app|mobi|biz|im|la|ws)"
    r"(?![a-z0-9-])(?:/[^\s，。；！？【】（）{}]*)?",
    re.IGNORECASE,
)
_BRACKETS = re.compile(r"【[^【】]*】|[【】]")
_OPT_OUT = re.compile(
    r"(?:退订|拒收)\s*(?:请)?\s*(?:回复|回)\s*[a-zａ-ｚ]{1,2}"
    r"|(?:回复|回)\s*[“\"']?\s*[a-zａ-ｚ]{1,2}\s*[”\"']?\s*(?:退订|拒收)",
    re.IGNORECASE,
)
_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cn", "Cs"})

_MARKS: tuple[tuple[FindingKind, re.Pattern[str], str], ...] = (
    ("LINK", _LINK, "链接请用 {coupon_link}；通道只放行已报备的域名"),
    ("SIGNATURE_IN_BODY", _BRACKETS, "签名由系统加上，正文里不能有【】"),
    ("OPT_OUT_TYPED", _OPT_OUT, "退订语由系统按通道加上，请从正文删去"),
)
_INVISIBLE_ADVICE = "这里有看不见的字符，请删去"


class Wording:
    """A list of words, built once, that checks any number of texts."""

    def __init__(self, words: Iterable[Word]) -> None:
        """Build the automaton; of words that fold to the same the first counts, empty ones are left out."""
        folded: dict[str, Word] = {}
        for word in words:
            folded.setdefault("".join(character for character, _ in _folded(word.word)), word)
        folded.pop("", None)
        self._words = list(folded.values())
        self._automaton = ahocorasick_rs.AhoCorasick(list(folded), matchkind=ahocorasick_rs.MatchKind.LeftmostLongest)

    def check(self, text: str) -> list[Finding]:
        """All findings in a text, ordered by place; placeholders are never part of one."""
        # A placeholder becomes blanks of the same length, so that places stay true.
        shown = _PLACEHOLDER.sub(lambda found: "\n" * len(found[0]), text)
        found = [*self._word_findings(shown), *_mark_findings(shown), *_invisible_findings(text)]
        return sorted(found, key=lambda finding: (finding.start, finding.end, finding.kind))

    def _word_findings(self, text: str) -> Iterator[Finding]:
        pairs = list(_folded(text))
        folded = "".join(character for character, _ in pairs)
        for index, start, end in self._automaton.find_matches_as_indexes(folded):
            word = self._words[index]
            first, last = pairs[start][1], pairs[end - 1][1] + 1
            yield Finding(first, last, word.word, word.kind, word.advice, word.substitute)


def _folded(text: str) -> Iterator[tuple[str, int]]:
    """Folded characters with the place each came from; a line break stays, and so parts words."""
    for place, character in enumerate(text):
        if character == "\n":
            yield character, place
        elif character.isalnum() or unicodedata.category(character)[0] not in "CZP" or character in "%％":
            for folded in unicodedata.normalize("NFKC", character).lower():
                if not folded.isspace():
                    yield folded, place


def _mark_findings(text: str) -> Iterator[Finding]:
    for kind, pattern, advice in _MARKS:
        for found in pattern.finditer(text):
            yield Finding(found.start(), found.end(), found[0], kind, advice, "")


def _invisible_findings(text: str) -> Iterator[Finding]:
    # Most texts are printable as a whole, which is one question in C.
    if text.isprintable():
        return
    for place, character in enumerate(text):
        if unicodedata.category(character) in _INVISIBLE_CATEGORIES and character not in "\r\n":
            code = f"U+{ord(character):04X}"
            yield Finding(place, place + 1, code, "INVISIBLE", _INVISIBLE_ADVICE, "")
