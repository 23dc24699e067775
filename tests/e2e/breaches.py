"""What a browser says when a page breaks its own content policy."""

from playwright.sync_api import ConsoleMessage

seen: list[str] = []


def note(message: ConsoleMessage) -> None:
    """Keep a console message that speaks of the policy."""
    if "Content Security Policy" in message.text:
        seen.append(message.text)
