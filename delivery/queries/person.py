"""The messages of one phone as staff may read them: who sent what through which channel, secrets covered."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from delivery.models import Channel, Dispatch, Message
from templates_sms.models import TemplateVersion, Tier
from templates_sms.rules.merge_fields import MergeFieldMissing, fill
from templates_sms.rules.parts import full_text

# Everything else may open something: a coupon, a code to log in with, a page of one's own.
PLAIN_FIELDS = frozenset({"expires", "answer"})


@dataclass(frozen=True, slots=True)
class Sent:
    """A message with what it hangs on. `text` '' when its template can't be read."""

    message: Message
    source: str
    channel: str
    version: TemplateVersion | None
    text: str


def messages_to(*, phone_hash: UUID, limit: int, with_names: bool = False) -> list[Sent]:
    """
    The newest messages of a phone, newest first; four queries whatever their number.

    Codes and links are covered in their texts; names too, unless `with_names`.
    """
    rows = list(Message.objects.filter(phone_hash=phone_hash).order_by("-id")[:limit])
    sources = dict(Dispatch.objects.filter(pk__in={one.dispatch_id for one in rows}).values_list("pk", "source"))
    channels = Channel.objects.in_bulk({one.channel_id for one in rows if one.channel_id is not None})
    versions = TemplateVersion.objects.select_related("template", "approved_by", "author").in_bulk(
        {one.template_version_id for one in rows if one.template_version_id is not None}
    )
    found = []
    for one in rows:
        channel = channels.get(one.channel_id or 0)
        version = versions.get(one.template_version_id or 0)
        name = channel.name if channel else ""
        found.append(
            Sent(one, sources.get(one.dispatch_id, ""), name, version, _text(one, version, channel, with_names))
        )
    return found


def _text(message: Message, version: TemplateVersion | None, channel: Channel | None, with_names: bool) -> str:
    if version is None:
        return ""
    words = channel.opt_out_words if channel and message.tier == Tier.MARKETING else ""
    try:
        names = {"name": message.params["name"]} if with_names and "name" in message.params else {}
        body = fill(version.body, covered(message.params) | names)
    except MergeFieldMissing:
        return ""
    return full_text(signature=version.signature_name, body=body, opt_out_words=words)


def covered(params: Mapping[str, str]) -> dict[str, str]:
    """The values of a message with names shortened and codes and links covered."""
    return {field: value if field in PLAIN_FIELDS else _covered(field, str(value)) for field, value in params.items()}


def _covered(field: str, value: str) -> str:
    if not value:
        return ""
    if field == "name":
        return f"{value[0]}**"
    head, slash, secret = value.rpartition("/")
    return f"{head}{slash}{secret[:2]}••••"
