"""The next and the previous of what waits for a decision."""

from typing import Any

from django import template

from console.workplaces.waiting import waiting_for

register = template.Library()


@register.simple_tag(takes_context=True)
def neighbours(context: dict[str, Any]) -> dict[str, Any]:
    """
    Addresses before and after the page that is shown, round and round, and how many wait in all.

    A page that is in the queue no more leads to the queue's ends.
    """
    request = context["request"]
    urls = [one.url for one in waiting_for(request.user)]
    if not urls:
        return {"before": "", "after": "", "total": 0}
    here = urls.index(request.path) if request.path in urls else -1
    return {"before": urls[here - 1], "after": urls[(here + 1) % len(urls)], "total": len(urls)}
