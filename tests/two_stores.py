"""Two stores with a row of everything that belongs to a store: one's own, and another whose names must never show."""

from dataclasses import dataclass
from uuid import uuid4

from campaigns.models import Run, RunPlace
from campaigns.services.freeze import freeze_open
from campaigns.services.runs import fire_due
from coupons.models import CouponTerms, Redemption
from coupons.services.redeem import redeem
from coupons.services.reverse import reverse
from foundation.models import Operator
from members.models import CategoryPurchase, Member, Order, OrderLine, Store
from tests.coupons.tills import LONG, ask, begin_shift, make_coupon, make_manager
from tests.factories import NOON, make_campaign, make_channel, make_member, make_store, make_terms, make_version


@dataclass(frozen=True, slots=True)
class Shop:
    """A store, somebody at its till, a member, what was redeemed and what was bought there."""

    store: Store
    clerk: Operator
    member: Member
    redemption: Redemption
    order: Order


def make_run() -> Run:
    """A run with a coupon that is under way."""
    make_channel(vendor="simulator")
    make_member(30)
    campaign = make_campaign(version=make_version("点开 {coupon_link}"), terms=make_terms(**LONG))
    fire_due(now=campaign.scheduled_at)
    freeze_open(now=campaign.scheduled_at)
    return Run.objects.get()


def make_shop(word: str, number: int, *, terms: CouponTerms, run: Run) -> Shop:
    """A shop whose every name holds `word`."""
    store = make_store(f"{word}-1", name=f"{word}店")
    clerk = make_manager(store, username=f"{word}-clerk", display_name=f"{word}员")
    device = f"{word}-till-000{number}"
    begin_shift(clerk, device_id=device, now=NOON)
    member = make_member(number, home_store=store, name=f"{word}客", city=f"{word}市")
    Member.objects.filter(pk=member.pk).update(card_no=f"{word}-CARD")
    order = Order.objects.create(order_no=f"{word}-ORDER", member=member, store=store, paid_at=NOON, amount_fen=100)
    OrderLine.objects.create(order=order, sku=f"{word}-SKU", quantity_milli=1_000, amount_fen=100)
    CategoryPurchase.objects.create(
        member=member, category=f"{word}品", last_bought_at=NOON, order_count=1, spend_fen=100
    )
    RunPlace.objects.create(run=run, variant="A", city=f"{word}市", store=store, people_count=200)
    numbers = []
    for ordinal in (1, 2):
        coupon = make_coupon(terms, member_id=member.pk, ordinal=ordinal, source=run.source)
        question = ask(clerk, coupon.code, store=store, device_id=device, receipt_no=f"{word}-RECEIPT-{ordinal}")
        numbers.append(redeem(question=question, request_id=uuid4(), now=NOON)["redemption_no"])
    reverse(redemption_no=numbers[0], device_id=device, reason="MISSCAN", by=clerk, now=NOON)
    refused = ask(clerk, "AAAA-AAAA-AAAA", store=store, device_id=device)
    redeem(question=refused, request_id=uuid4(), now=NOON)
    return Shop(store, clerk, member, Redemption.objects.get(redemption_no=numbers[1]), order)


def make_shops() -> tuple[Shop, Shop, Run]:
    """The own shop, the foreign one, and a run that gave coupons to both."""
    run = make_run()
    terms = make_terms(**LONG)
    return make_shop("OWN", 31, terms=terms, run=run), make_shop("FOREIGN", 32, terms=terms, run=run), run
