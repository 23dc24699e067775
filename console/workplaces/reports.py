"""The report of a run: is it worth doing again, and with which text? Each chart beside the table it is drawn from."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from campaigns import queries
from campaigns.models import Run
from campaigns.queries import Outcome
from campaigns.rules.comparison import FEWEST, Difference, Share, difference_of
from console.workplaces import report_tables as tables
from console.workplaces.base import page, workplace
from console.workplaces.drawing import WIDTH, bars_of, share_of_width, whisker_of
from foundation import clock
from foundation.money import format_cost, format_fen
from foundation.row_scope import stores_in_scope
from foundation.spreadsheet import BOM, csv_line

PERMISSION = "campaigns.view_report"
CHOICES = 100
PK_DIGITS = 18
UNITS_PER_FEN = 100


def _run(pk: int) -> Run:
    runs = Run.objects.select_related("campaign").filter(dispatch_id__isnull=False)
    return get_object_or_404(runs, pk=pk)


@require_safe
@workplace(PERMISSION, by_store=True)
def reports(request: HttpRequest) -> HttpResponse:
    """Leads to the report that was chosen, else to the newest; says what will be here while there is none."""
    chosen = request.GET.get("run", "")
    if chosen.isascii() and chosen.isdecimal() and len(chosen) <= PK_DIGITS:
        return redirect("report", pk=_run(int(chosen)).pk)
    newest = queries.reported_runs(limit=1)
    if newest:
        return redirect("report", pk=newest[0].pk)
    return page(request, "report_empty", _("Campaign report"))


@require_safe
@workplace(PERMISSION, by_store=True)
def report(request: HttpRequest, pk: int) -> HttpResponse:
    """What came of one run; for who works for some stores, what came of it there."""
    run = _run(pk)
    if stores_in_scope() is not None:
        return _store_report(request, run)
    found = queries.outcome(run=run)
    difference = _difference(found)
    return page(
        request, "report", _("Campaign report"), run=run, choices=queries.reported_runs(limit=CHOICES),
        found=found, told=found.report, now=clock.now(), difference=difference,
        whisker=whisker_of(difference) if difference else None, difference_words=_difference_words(found, difference),
        verdict=_verdict(found), per_redemption=_per_redemption(found), can_clone=_may_clone(request),
        has_coupon=found.report.coupons["issued"] > 0 or bool(found.hours), **_charts(found),
    )  # fmt: skip


def _store_report(request: HttpRequest, run: Run) -> HttpResponse:
    days, stores = _store_tables(run)
    return page(
        request, "report_stores", _("Campaign report"), run=run, choices=queries.reported_runs(limit=CHOICES),
        now=clock.now(), days=days, day_bars=bars_of(_pairs(days), fit=6), stores=stores,
    )  # fmt: skip


def _store_tables(run: Run) -> tuple[tables.Table, tables.Table]:
    hours, places = queries.outcome_in_scope(run=run)
    return tables.days_table(hours), tables.stores_table(places)


def _may_clone(request: HttpRequest) -> bool:
    return request.user.has_perm("campaigns.add_campaign")


@require_safe
@workplace(PERMISSION, by_store=True)
def report_file(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """The tables of a report as one CSV file: the numbers of the page, and all stores."""
    run = _run(pk)
    told = tables.tables_of(queries.outcome(run=run)) if stores_in_scope() is None else _store_tables(run)
    answer = StreamingHttpResponse(_lines(run, told), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="report-{run.pk}.csv"'
    return answer


def _lines(run: Run, told: Iterable[tables.Table]) -> Iterator[str]:
    yield BOM + csv_line([run.campaign.name, date_format(localtime(run.occurrence_at), "Y-m-d H:i")])
    for one in told:
        yield csv_line([])
        yield csv_line([one.title])
        yield csv_line([column.head for column in one.columns])
        for row in [*one.shown, *([one.shown_total] if one.total else [])]:
            # Without thousands separators, so that a spreadsheet takes them for numbers.
            yield csv_line([text if kind == tables.TEXT else text.replace(",", "") for kind, text in row])


def _charts(found: Outcome) -> dict[str, Any]:
    """The tables that the page shows, and what is drawn from their rows."""
    funnel, days, hours = (
        tables.funnel_table(found), tables.days_table(found.hours), tables.hours_table(found.hours)
    )  # fmt: skip
    reasons = tables.opt_outs_table(found)
    return {
        "funnel": funnel, "funnel_bars": _long(funnel), "days": days, "day_bars": bars_of(_pairs(days), fit=6),
        "hours": hours, "hour_bars": bars_of(_pairs(hours), fit=12, letters=2),
        "reasons": reasons, "reason_bars": _long(reasons),
        "left_out": tables.left_out_table(found), "states": tables.states_table(found),
        "variants": tables.variants_table(found) if found.variants else None,
        "cities": tables.cities_table(found.places), "stores": tables.ranked_stores(found.places),
        "fewest": FEWEST,
        "store_count": len({one.store_id for one in found.places if one.store_id is not None}),
        "money": tables.money_table(found), "full": WIDTH,
    }  # fmt: skip


def _pairs(table: tables.Table) -> list[tuple[str, int]]:
    return [(row[0], row[1]) for row in table.rows]


def _long(table: tables.Table) -> list[tuple[int, list[tuple[str, str]]]]:
    """Each row with the length of its bar beside the longest."""
    longest = max((row[1] for row in table.rows), default=0)
    return [(share_of_width(row[1], longest), shown) for row, shown in zip(table.rows, table.shown, strict=True)]


def _per_redemption(found: Outcome) -> dict[str, int] | None:
    """What one redemption cost, in fen: for sending, by the coupon, and in all. Each is rounded to the fen."""
    redeemed = found.report.redemptions["redeemed"]
    if not redeemed:
        return None
    sending, saving = found.report.progress.cost, found.report.redemptions["saving_fen"]
    parts = {"sending": sending // UNITS_PER_FEN, "saving": saving, "total": found.spent // UNITS_PER_FEN}
    return {name: (fen + redeemed // 2) // redeemed for name, fen in parts.items()}


def _verdict(found: Outcome) -> tuple[str, str]:
    """What came of it in a sentence, and what that does not say."""
    spent, redeemed = format_cost(found.spent), found.report.redemptions["redeemed"]
    if not found.submitted:
        return _("Nothing has been sent yet"), _("The numbers come with the first messages.")
    if not found.report.coupons["issued"] and not redeemed:
        facts = {"delivered": f"{found.delivered:,}", "spent": spent}
        title = _("%(delivered)s messages delivered for %(spent)s yuan") % facts
        return title, _("It gave no coupon, so it can't be told what business came of it.")
    if not found.paid_fen or not found.spent:
        facts = {"redeemed": f"{redeemed:,}", "spent": spent}
        title = _("%(redeemed)s coupons redeemed, %(spent)s yuan spent") % facts
        return title, _("No ticket with an amount so far, so it can't be told what business came of it.")
    facts = {"each": format_fen(found.paid_fen * 100 * UNITS_PER_FEN // found.spent), "spent": spent,
             "paid": format_fen(found.paid_fen)}  # fmt: skip
    title = _("Spent %(spent)s yuan; %(paid)s yuan were paid with its coupons") % facts
    return title, _(
        "%(each)s yuan paid for each yuan spent. There was no control group: nobody knows what would have been bought "
        "without it, so this says nothing about whether it was worth it."
    ) % facts  # fmt: skip


def _difference(found: Outcome) -> Difference | None:
    """The two texts against each other; None for another number of texts, or when too few got one."""
    if len(found.variants) != 2:
        return None
    first, second = (Share(one.redeemed, one.delivered) for one in found.variants)
    return difference_of(first, second)


def _difference_words(found: Outcome, difference: Difference | None) -> str:
    """Which of two texts did better, or that nobody can tell."""
    if len(found.variants) != 2:
        return ""
    if difference is None:
        return _("Too few people: nothing is concluded.")
    better = found.variants[0 if difference.points > 0 else 1].name
    facts = {
        "name": better, "points": _points(abs(difference.points)), "low": _points(difference.low),
        "high": _points(difference.high), "first": found.variants[0].name, "second": found.variants[1].name,
    }  # fmt: skip
    if difference.is_clear:
        return _(
            "Variant %(name)s is better by %(points)s points (95 %% interval of %(first)s − %(second)s: %(low)s to "
            "%(high)s)."
        ) % facts  # fmt: skip
    return _(
        "It can't be told which is better (95 %% interval of %(first)s − %(second)s: %(low)s to %(high)s points)."
    ) % facts  # fmt: skip


def _points(basis_points: int) -> str:
    """Basis points as percentage points with two digits."""
    return format_fen(basis_points)
