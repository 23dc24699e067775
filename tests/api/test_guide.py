"""The examples of the API guide do what they say, and so does a client that is generated from the description."""

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from django.core.cache import cache

from coupons.models import Redemption
from foundation import clock
from foundation.services import jobs, webhooks
from foundation.services.phones import hash_phone
from members.models import Member, Suppression
from members.services.consent import opt_out
from templates_sms.models import Template
from tests.api.signed import make_caller
from tests.api.test_schema import description
from tests.coupons.tills import make_coupon
from tests.factories import NOON, make_campaign, make_operator, make_store, make_terms, make_version, mobile

pytestmark = [pytest.mark.usefixtures("committed"), pytest.mark.timeout(300)]
GUIDE = Path(__file__).resolve().parents[2] / "docs" / "howto" / "api.md"


@pytest.fixture(autouse=True)
def noon(monkeypatch):
    cache.clear()
    monkeypatch.setattr(clock, "now", lambda: NOON)


def examples(language: str) -> list[str]:
    """The code blocks of the guide in one language."""
    return re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)


def test_the_python_of_the_guide(live_server: Any) -> None:
    store = make_store("S1")
    caller, coupon = make_caller(stores=(store,), reaches_every_store=True), make_coupon(make_terms())
    make_version("您的订单 {answer} 已备好", tier="NOTICE")
    Template.objects.filter(tier="NOTICE").update(name="取货通知")
    make_campaign(is_approved=False)
    space: dict[str, Any] = {}
    exec("\n\n".join(examples("python")), space)  # the guide's own words
    api = space["client"](live_server.url, caller.key.key_id, caller.secret)

    assert space["write_members"](api) == []
    assert Member.objects.get(card_no="K1001").name == "王女士"
    assert [space["order_is_ready"](api, "A12", mobile(5)) for _ in range(2)] == ["PLANNED", "PLANNED"]
    request_id = str(uuid4())
    done = [space["redeem"](api, coupon.code, "S1", "68.80", request_id) for _ in range(2)]
    assert done[0] == done[1] and done[0]["verdict"] == "REDEEMED" and Redemption.objects.count() == 1
    assert space["take_back"](api, done[0]["redemption_no"])["redemption_no"] == done[0]["redemption_no"]
    assert len(list(space["every_campaign"](api))) == 1
    assert space["erase"](api, "K1001") is False
    jobs.run_due(now=NOON)
    assert space["erase"](api, "K1001") is True


def test_the_guide_takes_what_webhooks_tell(monkeypatch) -> None:
    _made, secret = webhooks.make_endpoint(
        name="CRM", url="https://crm.example.cn/", topics=["member.consent_changed"], by=make_operator(), now=NOON
    )  # fmt: skip
    opt_out(phone_hash=hash_phone(mobile(1)), source="REPLY", proof="r", now=NOON)
    space: dict[str, Any] = {}
    exec("\n\n".join(examples("python")), space)
    seen: set[str] = set()
    taken = []

    def send(_url: str, *, content: str, headers: dict[str, str], **_more: Any) -> httpx.Response:
        taken.append([space["take"](secret, headers, content, seen) for _time in range(2)])
        return httpx.Response(204)

    webhooks.write_calls(now=NOON)
    assert webhooks.call_due(now=NOON, send=send) == 1
    assert taken[0][0]["data"]["consent"] == "OPTED_OUT" and taken[0][1] is None


def test_the_shell_of_the_guide(live_server: Any) -> None:
    if not (shutil.which("curl") and shutil.which("openssl")):
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail("curl and openssl are required here and are not installed.")
        pytest.skip("curl or openssl is not installed; install them to run the guide's shell example.")
    caller = make_caller()
    env = os.environ | {
        "SERVER": live_server.url,
        "KEY": caller.key.key_id,
        "SECRET": caller.secret,
        "LC_ALL": "C.UTF-8",
    }
    done = subprocess.run(["bash", "-euc", examples("bash")[0]], env=env, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stdout + done.stderr
    assert (json.loads(done.stdout)["note"], Suppression.objects.get().phone_tail) == ("投诉", "0001")


def test_a_generated_client_builds_and_works(live_server: Any, tmp_path: Path, monkeypatch) -> None:
    caller = make_caller()
    source, target = tmp_path / "schema.json", tmp_path / "made" / "console_client"
    source.write_text(json.dumps(description()), encoding="utf-8")
    target.parent.mkdir()
    tools = Path(sys.executable).parent
    command = [tools / "openapi-python-client", "generate", "--path", source, "--output-path", target, "--meta", "none"]
    env = os.environ | {"PATH": f"{tools}:{os.environ['PATH']}"}
    built = subprocess.run(list(map(str, command)), env=env, capture_output=True, text=True, timeout=120)
    assert built.returncode == 0 and "Warning" not in built.stdout, built.stdout + built.stderr
    monkeypatch.syspath_prepend(target.parent)
    space: dict[str, Any] = {}
    exec(examples("python")[0], space)
    made = importlib.import_module("console_client")
    api = made.Client(
        base_url=live_server.url, httpx_args={"auth": space["Signed"](caller.key.key_id, caller.secret)}
    )  # fmt: skip
    models = importlib.import_module("console_client.models")

    def call(tag: str, name: str, **arguments: Any) -> Any:
        return importlib.import_module(f"console_client.api.{tag}.{name}").sync(client=api, **arguments)

    row = models.MemberRow(card_no="K7", phone=mobile(7))
    assert call("members", "write_members", body=models.MemberRows(rows=[row])).new == 1
    assert call("members", "read_member", card_no="K7").phone.endswith(mobile(7)[-4:])
    entry = call("suppressions", "suppress_phone", body=models.SuppressionOrder(phone=mobile(7)))
    assert [one.id for one in call("suppressions", "list_suppressions").results] == [entry.id]
    wrong = call("suppressions", "suppress_phone", body=models.SuppressionOrder(phone="1"))
    assert (wrong.code, wrong.retryable) == ("BAD_INPUT", False)
