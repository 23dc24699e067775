"""Reading in the templates' room: texts ready to send, and how long they get."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from django.db.models import QuerySet

from templates_sms.models import SensitiveWord, TemplateVersion, Tier, WordKind
from templates_sms.rules.merge_fields import compile_body, fields_in
from templates_sms.rules.parts import full_text
from templates_sms.rules.wording import DEFAULT_WORDS, Finding, Word, Wording


@dataclass(frozen=True)
class Text:
    """An approved text, compiled for filling."""

    version_id: int
    signature: str
    tier: str
    fill: Callable[[Mapping[str, str]], str]


@lru_cache(maxsize=256)
def _text(version_id: int) -> Text:
    # Versions never change, so a process may keep them for ever.
    version = TemplateVersion.objects.get(pk=version_id)
    return Text(version_id, version.signature_name, version.tier, compile_body(version.body))


def texts_of(*, version_ids: Iterable[int]) -> dict[int, Text]:
    """Approved texts by version id."""
    return {version_id: _text(version_id) for version_id in version_ids}


def text_of(*, version: Text, params: Mapping[str, str], opt_out_words: str) -> str:
    """The whole message as the phone shows it; only marketing carries the channel's opt-out words."""
    words = opt_out_words if version.tier == "MARKETING" else ""
    return full_text(signature=version.signature, body=version.fill(params), opt_out_words=words)


def wording() -> Wording:
    """The built-in word list and the chain's own."""
    own = [
        Word(
            word=row.word,
            kind="BANNED" if row.kind == WordKind.BANNED else "RISKY",
            advice=row.advice,
            substitute=row.substitute,
        )
        for row in SensitiveWord.objects.order_by("id")
    ]
    return Wording([*DEFAULT_WORDS, *own])


def findings(*, body: str) -> list[Finding]:
    """Risky and forbidden words of a draft, with their places."""
    return wording().check(body)


ANSWER_FIELDS = frozenset({"name", "answer"})


def answer_texts() -> QuerySet[TemplateVersion]:
    """The newest version of each approved notice that staff can write to one person: quick answers."""
    notices = TemplateVersion.objects.filter(tier=Tier.NOTICE)
    newest = notices.order_by("template_id", "-number").distinct("template_id")
    fitting = [one.pk for one in newest if fields_in(one.body) <= ANSWER_FIELDS]
    return notices.filter(pk__in=fitting).select_related("template").order_by("template__name")
