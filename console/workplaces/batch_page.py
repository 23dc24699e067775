"""What the page of a batch shows: is the exposure fine, how does it go on, what looks odd."""

from datetime import date, datetime, timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from console.workplaces.drawing import Curve, curve_of
from coupons.models import BatchState, BatchVoid, CouponBatch, CouponTerms, VoidState
from coupons.queries import batch as queries
from coupons.queries.batch import BatchDay, BatchFigures, BatchStore
from coupons.rules.eligibility import Refusal
from coupons.rules.forecast import expected_uses, largest_saving_fen
from coupons.rules.oddity import BURST_MINUTES, busy_outliers, undo_outliers
from coupons.rules.reason_texts import REASON_TEXTS
from foundation.money import format_fen

ODD_DAYS = timedelta(days=7)
ODDITIES = 5  # of one kind
LATEST = 10
LONGEST = 92  # days of the curve
DAY = timedelta(days=1)


def figures_context(request: HttpRequest, batch: CouponBatch, terms: CouponTerms, *, now: datetime) -> dict[str, Any]:
    """The figures of a batch that was submitted."""
    today = timezone.localtime(now).date()
    figures = queries.batch_figures(batch=batch, terms=terms)
    days, stores = queries.days_of_batch(batch_id=batch.pk), queries.stores_of_batch(batch_id=batch.pk)
    each = largest_saving_fen(kind=terms.kind, face_fen=terms.face_fen, cap_fen=terms.cap_fen)
    expected = _expected(batch, figures, days, today)
    return {
        "figures": figures, "days": _with_sums(days), "cities": _cities(stores), "store_count": len(stores),
        "curve": _curve(figures, days, expected, today, batch.budget_fen // each if batch.budget_fen and each else 0),
        "verdict": _verdict(batch, figures, expected, each), "expected": expected,
        "oddities": oddities(batch, stores, now=now),
        "latest": queries.latest_redemptions(batch_id=batch.pk, limit=LATEST),
        **_void_context(request, batch),
    }  # fmt: skip


def _void_context(request: HttpRequest, batch: CouponBatch) -> dict[str, Any]:
    wish = BatchVoid.objects.select_related("asked_by", "decided_by").filter(pk=batch.pk).first()
    is_open = batch.state in (BatchState.ACTIVE, BatchState.PAUSED)
    is_asked = is_open and wish is not None and wish.state == VoidState.ASKED
    may_decide = is_asked and wish is not None and wish.asked_by_id != request.user.pk
    return {
        "wish": wish, "is_asked": is_asked,
        "can_ask_void": is_open and not is_asked and request.user.has_perm("coupons.add_couponbatch"),
        "can_decide_void": may_decide and request.user.has_perm("coupons.approve_couponbatch"),
    }  # fmt: skip


def _last_day(figures: BatchFigures) -> date | None:
    """The last day on which a coupon of the batch can be used; its end is half-open."""
    until = figures.last_valid_until
    return timezone.localtime(until - timedelta(microseconds=1)).date() if until else None


def _expected(batch: CouponBatch, figures: BatchFigures, days: list[BatchDay], today: date) -> int | None:
    """How many will have been used at the end; None when that can't be said or is known."""
    last = _last_day(figures)
    if batch.state != BatchState.ACTIVE or last is None or last <= today or not days:
        return None
    used = {one.day: one.used for one in days}
    whole = (today - days[0].day).days
    daily = [used.get(days[0].day + number * DAY, 0) for number in range(whole)]
    return expected_uses(
        daily=daily, used=figures.redeemed, unused=figures.unused, days_left=(last - today).days
    )  # fmt: skip


def _verdict(batch: CouponBatch, figures: BatchFigures, expected: int | None, each: int) -> tuple[str, str, str]:
    """Tone, sentence and what it rests on."""
    facts = {
        "used": f"{figures.redeemed:,}", "saved": format_fen(figures.saved_fen),
        "exposure": format_fen(figures.exposure_fen), "budget": format_fen(batch.budget_fen or 0),
        "left": format_fen((batch.budget_fen or 0) - figures.saved_fen),
        "over": format_fen(figures.saved_fen - (batch.budget_fen or 0)),
    }  # fmt: skip
    basis, forecast_fen = _basis(figures, expected, each, facts)
    if batch.state == BatchState.PAUSED:
        return "warn", _("Paused: no till redeems it, nothing is issued"), basis
    if batch.state == BatchState.VOIDED:
        return "bad", _("Voided: no coupon of it can be used any more"), basis
    if batch.budget_fen is None:
        return "", _("%(used)s used, %(saved)s yuan saved by members; no budget was set") % facts, basis
    if figures.saved_fen > batch.budget_fen:
        return "bad", _("Over the budget by %(over)s yuan") % facts, basis
    if forecast_fen is not None and forecast_fen > batch.budget_fen:
        return "warn", _("Will go over the budget at this pace; %(left)s yuan are left") % facts, basis
    return "", _("Fine: %(used)s used, %(left)s yuan of the budget are left") % facts, basis


def _basis(
    figures: BatchFigures, expected: int | None, each: int, facts: dict[str, str]
) -> tuple[str, int | None]:  # fmt: skip
    """What the forecast rests on in words, and what members will have saved by it, in fen."""
    worst = _("If every unused coupon were used, members would save %(exposure)s yuan more.") % facts
    last = _last_day(figures)
    if expected is None or last is None:
        return worst, None
    forecast_fen = figures.saved_fen + (expected - figures.redeemed) * each
    told = _("At the pace of the last seven whole days about %(count)s will be used by %(day)s, %(yuan)s yuan.") % {
        "count": f"{expected:,}", "day": date_format(last, "m-d"), "yuan": format_fen(forecast_fen),
    }  # fmt: skip
    return f"{told} {worst}", forecast_fen


def _with_sums(days: list[BatchDay]) -> list[tuple[BatchDay, int]]:
    """Each day with all redemptions up to it."""
    total, found = 0, []
    for one in days:
        total += one.used
        found.append((one, total))
    return found


def _curve(
    figures: BatchFigures, days: list[BatchDay], expected: int | None, today: date, budget: int
) -> Curve | None:  # fmt: skip
    """Redemptions up to each day, on to what is expected on the last; None before the first."""
    if not days:
        return None
    used = {one.day: one.used for one in days}
    first, last = days[0].day - DAY, _last_day(figures) or today
    known = min(max(today, days[-1].day), max(last, days[-1].day))
    end = min(max(last, known), first + LONGEST * DAY)
    total, values = 0, []
    for number in range((min(known, end) - first).days + 1):
        total += used.get(first + number * DAY, 0)
        values.append(total)
    names = [date_format(first + number * DAY, "m-d") for number in range((end - first).days + 1)]
    return curve_of(values, names=names, expected=expected if end == last else None, line=budget)


def _cities(stores: list[BatchStore]) -> list[tuple[str, int, int, int]]:
    """City, stores, redemptions and savings in fen, the busiest first."""
    found: dict[str, list[int]] = {}
    for one in stores:
        sums = found.setdefault(one.city or _("no city"), [0, 0, 0])
        for column, figure in enumerate((1, one.used, one.saved_fen)):
            sums[column] += figure
    ranked = sorted(found.items(), key=lambda item: (-item[1][1], item[0]))
    return [(name, number, used, saved) for name, (number, used, saved) in ranked]


def oddities(batch: CouponBatch, stores: list[BatchStore], *, now: datetime) -> list[tuple[str, str]]:
    """What looks unusual: where or who, and the counts behind it."""
    since, names = now - ODD_DAYS, {one.store_id: one.name for one in stores}
    found = [_burst(one) for one in queries.bursts(batch_id=batch.pk, since=since, limit=ODDITIES)]
    undone, made = sum(one.undone for one in stores), sum(one.used + one.undone for one in stores)
    for store in undo_outliers([one.use for one in stores])[:ODDITIES]:
        facts = {"undone": store.undone, "made": f"{store.used + store.undone:,}", "all": undone, "of": f"{made:,}"}
        sentence = _("%(undone)s of %(made)s redemptions were undone; in all stores %(all)s of %(of)s.") % facts
        found.append((names[store.store_id], sentence))
    for store in busy_outliers([one.use for one in stores])[:ODDITIES]:
        sentence = _("%(used)s redemptions: far more than in the other stores.") % {"used": f"{store.used:,}"}
        found.append((names[store.store_id], sentence))
    for one in queries.refusals_of_batch(batch_id=batch.pk, since=since, limit=ODDITIES):
        facts = {"times": one["times"], "reason": pgettext("verdict", REASON_TEXTS[Refusal(one["reason"])].word)}
        sentence = _("Refused %(times)s times within seven days, most often: %(reason)s.") % facts
        found.append((f"{one['store']} · {one['clerk']}", sentence))
    return found


def _burst(one: dict[str, Any]) -> tuple[str, str]:
    begun, ended = timezone.localtime(one["begun_at"]), timezone.localtime(one["ended_at"])
    facts = {
        "at": date_format(begun, "m-d H:i"), "until": date_format(ended, "H:i"), "uses": one["uses"],
        "typed": one["typed"], "minutes": BURST_MINUTES,
    }  # fmt: skip
    sentence = _("%(at)s–%(until)s: %(uses)s redeemed within %(minutes)s minutes, %(typed)s of them typed.") % facts
    if one["least_fen"] is not None:
        range_of = {"least": format_fen(one["least_fen"]), "most": format_fen(one["most_fen"])}
        sentence += " " + _("Tickets of %(least)s to %(most)s yuan.") % range_of
    return f"{one['store']} · {one['clerk']}", sentence
