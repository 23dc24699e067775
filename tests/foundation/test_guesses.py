"""Public links: one answer for whatever opens nothing, a wait for whoever guesses."""

import statistics
import time
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.core.cache.backends.redis import RedisCache
from django.test import Client

from delivery.models import Link
from foundation import cache as counting
from foundation.models import Alert
from foundation.services import guesses
from foundation.tokens import new_tokens
from members.models import PreferenceLink
from members.services.preference import links_for
from tests.coupons.tills import LONG, make_coupon
from tests.factories import NOON, make_member, make_terms

pytestmark = pytest.mark.django_db

PAGES = ["/c/{}", "/c/{}/large", "/c/{}/all", "/c/{}/messages", "/c/{}/reminder.ics", "/p/{}", "/l/{}"]


@pytest.fixture(autouse=True)
def empty_counters():
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def tokens() -> dict[str, str]:
    """A good token of each kind of page."""
    member = make_member()
    coupon = make_coupon(make_terms(**LONG), member_id=member.pk)
    link = Link.objects.create(token="abcDEF12345", target="https://example.cn/", note="x", created_at=NOON)
    preference = links_for(phone_hashes=[member.phone_hash])[member.phone_hash]
    return {"/c/": coupon.link_token, "/p/": preference, "/l/": link.token}


def answer_of(client: Client, path: str) -> tuple:
    answer = client.get(path)
    return answer.status_code, answer.content, sorted(answer.headers.items()), answer.cookies.output()


@pytest.mark.parametrize("page", PAGES)
def test_unknown_malformed_and_foreign_tokens_get_the_same_bytes(client: Client, tokens, page):
    foreign = [token for prefix, token in tokens.items() if not page.startswith(prefix)]
    wrong = [*new_tokens(2), "x", "a" * 300, "%00", "abc.DEF-123", "券券券券券券券券券券券", *foreign]

    answers = [answer_of(client, page.format(token)) for token in wrong]

    assert answers[0][0] == 404 and all(one == answers[0] for one in answers)


def test_a_good_token_opens_its_page_and_no_other(client: Client, tokens):
    opened = {prefix: client.get(f"{prefix}{token}").status_code for prefix, token in tokens.items()}

    assert opened == {"/c/": 200, "/p/": 200, "/l/": 302}


def foreign_tokens(page: str, count: int) -> list[str]:
    """Good tokens of another kind of page."""
    fresh = new_tokens(count)
    if page.startswith("/l/"):
        PreferenceLink.objects.bulk_create(PreferenceLink(token=token, phone_hash=uuid4()) for token in fresh)
    else:
        Link.objects.bulk_create(Link(token=token, target="https://example.cn/", created_at=NOON) for token in fresh)
    return fresh


@pytest.mark.parametrize("page", ["/c/{}", "/p/{}", "/l/{}"])
def test_unknown_malformed_and_foreign_tokens_take_the_same_time(client: Client, page, settings):
    settings.GUESSES_PER_ADDRESS = settings.GUESSES_PER_NETWORK = 10_000
    kinds = {"unknown": iter(new_tokens(60)), "malformed": (f"x{number}" for number in range(60))}
    kinds["foreign"] = iter(foreign_tokens(page, 60))
    seconds: dict[str, list[float]] = {kind: [] for kind in kinds}

    for _round in range(60):
        for kind, wrong in kinds.items():
            begun = time.perf_counter()
            client.get(page.format(next(wrong)))
            seconds[kind].append(time.perf_counter() - begun)

    # The quickest tenth is the work itself; the middle is also what else this machine does meanwhile.
    quick = [statistics.quantiles(one, n=10)[0] for one in seconds.values()]
    assert max(quick) - min(quick) < 0.005


def test_twenty_wrong_tokens_make_an_address_wait_whatever_it_asks_for(client: Client, tokens):
    first, *more = new_tokens(20)
    assert {client.get(f"/c/{token}").status_code for token in more} == {404}
    assert client.get(f"/c/{tokens['/c/']}").status_code == 200

    client.get(f"/l/{first}")

    waits = [client.get(f"{prefix}{token}") for prefix, token in tokens.items()]
    assert [answer.status_code for answer in waits] == [429] * 3
    assert 0 < int(waits[0]["Retry-After"]) <= 600 and "分钟" in waits[0].content.decode()
    assert client.get("/c/x").status_code == client.get(f"/c/{first}").status_code == 429
    other = client.get(f"/p/{tokens['/p/']}", REMOTE_ADDR="203.0.113.9")
    assert other.status_code == 200


def test_one_broken_link_opened_again_and_again_is_no_guessing(client: Client, tokens):
    wrong = new_tokens(1)[0]
    for _time in range(25):
        client.get(f"/p/{wrong}")
        client.get(f"/c/{tokens['/c/']}退订")

    assert client.get(f"/p/{tokens['/p/']}").status_code == 200


def test_the_wait_ends_with_its_window():
    for token in new_tokens(20):
        guesses.note(address="203.0.113.9", token=token, now=NOON)

    assert guesses.wait_seconds(address="203.0.113.9", now=NOON) == 600
    assert guesses.wait_seconds(address="203.0.113.9", now=NOON.replace(minute=9, second=59)) == 1
    assert guesses.wait_seconds(address="203.0.113.9", now=NOON.replace(minute=10)) == 0


@pytest.mark.parametrize(
    ("seen", "inside", "outside"),
    [("203.0.113.{}", "203.0.113.250", "203.0.114.1"), ("2001:db8:1:{:x}::1", "2001:db8:1:ffff::9", "2001:db8:2::1")],
)
def test_a_network_has_a_limit_of_its_own_and_fills_it_with_an_alert(seen, inside, outside):
    for number, token in enumerate(new_tokens(200)):
        assert guesses.wait_seconds(address=inside, now=NOON) == 0
        guesses.note(address=seen.format(number % 20), token=token, now=NOON)

    assert guesses.wait_seconds(address=inside, now=NOON) > 600
    assert guesses.wait_seconds(address=outside, now=NOON) == 0
    assert list(Alert.objects.values_list("code", "times_count")) == [("LINK_GUESSING", 1)]


def test_when_nobody_can_count_members_still_see_their_coupon(client: Client, tokens, monkeypatch):
    dead = RedisCache("redis://127.0.0.1:1/0", {"OPTIONS": {"socket_connect_timeout": 0.5}})
    for module in (guesses, counting):
        monkeypatch.setattr(module, "cache", dead)

    assert client.get(f"/c/{tokens['/c/']}").status_code == 200
    assert {client.get(f"/c/{token}").status_code for token in new_tokens(25)} == {404}


def test_what_is_no_address_is_counted_too():
    for token in new_tokens(20):
        guesses.note(address="", token=token, now=NOON)

    assert guesses.wait_seconds(address="not-an-address", now=NOON) == 600
