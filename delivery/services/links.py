"""Short links."""

from datetime import datetime

from delivery.models import Click, Link


def follow(*, token: str, is_preview: bool, now: datetime) -> str | None:
    """The address behind a token, with the hit noted; None for a token that leads nowhere."""
    link = Link.objects.filter(token=token).first()
    if link is None:
        return None
    Click.objects.create(link=link, at=now, is_preview=is_preview)
    return link.target
