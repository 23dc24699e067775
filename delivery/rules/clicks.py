"""Which hits on a short link are a person's click: the rule that reports cite."""

from typing import Final

REPEAT_SECONDS: Final = 30
PREVIEWERS: Final = ("bot", "preview", "spider", "crawler", "facebookexternalhit", "slurp", "scan", "monitor", "curl/",
                     "wget/", "python-", "okhttp", "headless")  # fmt: skip


def is_preview(*, method: str, agent: str, purpose: str) -> bool:
    """
    Whether a machine looked: a HEAD request, a browser that loads ahead, no browser's name, or the name of a robot.

    `purpose` is the Purpose or Sec-Purpose header.
    """
    name = agent.strip().lower()
    if method == "HEAD" or "prefetch" in purpose.lower() or "preview" in purpose.lower():
        return True
    return not name or any(word in name for word in PREVIEWERS)
