"""A walk through all office pages: fit for a phone, for a reader of Chinese, for a screen reader, in light and dark."""

import re
from typing import Any, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.e2e.stack import Stack

# What marketing and IT open, with the name of its picture; '' where the journey takes a fuller one.
MARKETING = {
    "": "home", "alerts/": "alerts", "waiting/": "waiting", "imports/": "", "segments/": "segments",
    "exports/": "", "exports/new/?list=members.member": "",
    "segments/new/": "segment-new", "templates/": "templates", "templates/new/": "template-new",
    "batches/": "coupon-batches", "batches/new/": "coupon-batch-new", "campaigns/": "campaigns",
    "campaigns/new/": "campaign-new", "calendar/": "calendar", "messages/": "messages-empty", "replies/": "replies",
    "unsure/": "unsure", "sending/": "sending", "reports/": "reports", "members/member/": "members",
    "members/suppression/": "suppressions", "members/store/": "stores", "coupons/redemption/": "redemptions",
    "coupons/redemptionattempt/": "attempts", "stores/": "stores-today",
    "templates_sms/signature/": "signatures", "templates_sms/sensitiveword/": "words",
    "templates_sms/sensitiveword/add/": "word-new", "delivery/link/": "links", "delivery/link/add/": "link-new",
}  # fmt: skip
IT = {
    "api-keys/": "api-keys", "api-keys/new/": "api-key-new", "webhooks/": "webhooks", "webhooks/new/": "webhook-new",
    "channels/": "", "channels/?channel=1&do=disable": "", "delivery/channel/add/": "channel-new",
    "receipts/unknown/": "unknown-receipts",
    "proofs/": "proofs", "foundation/operator/": "operators", "foundation/operator/add/": "operator-new",
    "foundation/auditentry/": "audit", "foundation/job/": "jobs", "delivery/calendarday/": "calendar-days",
    "delivery/receiptcode/": "receipt-codes", "django_celery_beat/periodictask/": "beat-tasks",
    "password_change/": "password", "rights/": "rights", "members/store/import/": "list-import",
    "foundation/operator/import/": "", "delivery/calendarday/import/": "",
}  # fmt: skip
LOOKS: tuple[tuple[int, int, Literal["light", "dark"]], ...] = (
    (390, 844, "light"), (1280, 900, "dark"),
)  # fmt: skip
GRAVE = ("serious", "critical")
CHINESE = re.compile(r"[㐀-鿿]")
ENGLISH = re.compile(r"\b[A-Za-z]{3,}(?:\s+[A-Za-z]{2,})+\b|\b(?:Save|Search|Filter|Delete|Add|Home|Close|Select)\b")
TEXTS = """() => {
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walk.nextNode()) {
    const place = walk.currentNode.parentElement;
    if (place.closest("script, style, noscript, code, svg, .material-symbols-outlined, [translate=no]")) continue;
    if (place.checkVisibility()) found.push(walk.currentNode.textContent.trim());
  }
  for (const one of document.querySelectorAll("[aria-label], [title], [placeholder]")) {
    for (const name of ["aria-label", "title", "placeholder"]) found.push(one.getAttribute(name) || "");
  }
  return found.filter(Boolean);
}"""


def faults_of(page: Page, shoot: Any, name: str) -> list[str]:
    """What is wrong with the page that is open, at both widths and in both themes."""
    if name:
        shoot(page, name)
    found = [f"English: {text[:80]}" for text in page.evaluate(TEXTS) if is_english(text)]
    for width, height, scheme in LOOKS:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": height})
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found.append(f"{width}: scrolls sideways")
        found += [f"{width} {scheme}: {one}" for one in graves(page)]
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 900})
    return found


def graves(page: Page) -> list[str]:
    """What axe calls serious or critical."""
    violations = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa"]}).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:160]} ({len(one['nodes'])})"
        for one in violations if one["impact"] in GRAVE
    ]  # fmt: skip


def is_english(text: str) -> bool:
    """Whether a text of the page has an English sentence or one of the theme's words and nothing Chinese."""
    return not CHINESE.search(text) and bool(ENGLISH.search(text))


def walk(page: Page, stack: Stack, pages: dict[str, str], shoot: Any) -> list[str]:
    """The faults of some pages, each with its address."""
    found = []
    for path, name in pages.items():
        answer = page.goto(f"{stack.url}/console/{path}")
        faults = [] if answer is not None and answer.ok else [f"answers {answer and answer.status}"]
        faults += faults_of(page, shoot, name)
        found += [f"{path} {one}" for one in faults]
    return found
