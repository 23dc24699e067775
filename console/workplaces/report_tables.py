"""The tables of a run's report: shown on the page, folded under its charts, and written into its file."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from campaigns.queries import Outcome, Place
from campaigns.rules.comparison import FEWEST
from console.templatetags.figures import cell
from coupons.queries.outcome import RedeemedHour
from delivery.models import MessageState
from members.models import ConsentSource
from members.pages import REASONS

COUNT, YUAN, COST, SHARE, TEXT = "count", "yuan", "cost", "share", "text"
RANKED = 5  # stores at either end
STATES = dict(MessageState.choices)


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a column and what stands in it: text, count, yuan (fen), cost (1/10000 yuan) or share (pairs)."""

    head: str
    kind: str = COUNT


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under heads, with the line they add up to (None for tables that add up to nothing)."""

    title: str
    columns: list[Column]
    rows: list[list[Any]]
    total: list[Any] | None = None

    @property
    def shown(self) -> list[list[tuple[str, str]]]:
        """The rows as a page shows them: kind and text of each cell."""
        return [self._shown(row) for row in self.rows]

    @property
    def shown_total(self) -> list[tuple[str, str]]:
        """The last line as a page shows it; empty for none."""
        return self._shown(self.total) if self.total else []

    def _shown(self, row: Sequence[Any]) -> list[tuple[str, str]]:
        return [(column.kind, cell(value, column.kind)) for column, value in zip(self.columns, row, strict=True)]


def tables_of(found: Outcome) -> list[Table]:
    """Every table of a report, in the order of its page."""
    with_coupon = found.report.coupons["issued"] > 0 or bool(found.hours)
    tables = [funnel_table(found), left_out_table(found), states_table(found)]
    if found.variants:
        tables.append(variants_table(found))
    if with_coupon:
        tables += [days_table(found.hours), hours_table(found.hours)]
    if found.places:
        tables += [cities_table(found.places), stores_table(found.places)]
    return [*tables, opt_outs_table(found), money_table(found)]


def funnel_table(found: Outcome) -> Table:
    """From those the segment picked to those who redeemed, each step as a share of the one before."""
    run, told = found.report.run, found.report
    steps = [
        (_("Picked by the segment"), run.matched_count), (_("Were to receive it"), run.planned_count),
        (_("Taken by a channel"), found.submitted), (_("Delivered"), found.delivered),
    ]  # fmt: skip
    if told.coupons["issued"]:
        steps += [(_("Opened the coupon"), told.coupons["opened"]), (_("Redeemed"), told.redemptions["redeemed"])]
    rows: list[list[Any]] = []
    for number, (name, people) in enumerate(steps):
        rows.append([name, people, (people, steps[number - 1][1]) if number else None])
    return Table(
        _("From the segment to the till"),
        [Column(_("Step"), TEXT), Column(_("People")), Column(_("Of the step before"), SHARE)], rows,
    )  # fmt: skip


def left_out_table(found: Outcome) -> Table:
    """Who was picked and left out before, by reason."""
    rows = [[str(label), people] for _code, label, people in found.report.exclusions]
    return _counted(_("Left out before"), _("Left out before"), _("People"), rows)


def states_table(found: Outcome) -> Table:
    """Where everybody who was to receive it stands."""
    rows = [[str(STATES[state]), count] for state, count in sorted(found.report.progress.states.items())]
    return _counted(_("Where the messages stand"), _("State"), _("Messages"), rows)


def variants_table(found: Outcome) -> Table:
    """The texts against each other."""
    rows = [
        [_("Variant %(name)s") % {"name": one.name}, one.planned, one.delivered, one.opened, one.redeemed,
         (one.redeemed, one.delivered)]
        for one in found.variants
    ]  # fmt: skip
    heads = (_("Were to receive it"), _("Delivered"), _("Opened the coupon"), _("Redeemed"))
    columns = [Column(_("Variant"), TEXT), *map(Column, heads), Column(_("Redemption rate"), SHARE)]
    return Table(_("Variants"), columns, rows, _with_rate(_sums(rows, 1, 5), part=4, whole=2))


def days_table(hours: Iterable[RedeemedHour]) -> Table:
    """Redemptions by business date, from the first day with one to the last."""
    found: dict[date, list[int]] = defaultdict(lambda: [0, 0])
    for one in hours:
        found[one.day][0] += one.count
        found[one.day][1] += one.saving_fen
    first, last = min(found, default=date.min), max(found, default=date.min)
    span = [first + timedelta(days=number) for number in range((last - first).days + 1)] if found else []
    rows = [[date_format(day, "m-d"), *found[day]] for day in span]
    columns = [Column(_("Day"), TEXT), Column(_("Redeemed")), Column(_("Saved by members (yuan)"), YUAN)]
    return Table(_("Redemptions by day"), columns, rows, _sums(rows, 1, 3))


def hours_table(hours: Sequence[RedeemedHour]) -> Table:
    """Redemptions by hour of the day, all days together, from the first hour with one to the last."""
    found: dict[int, int] = defaultdict(int)
    for one in hours:
        found[one.hour] += one.count
    span = range(min(found), max(found) + 1) if found else range(0)
    rows = [[f"{hour:02}:00", found[hour]] for hour in span]
    return _counted(_("Redemptions by hour of the day"), _("Hour"), _("Redeemed"), rows)


def cities_table(places: Iterable[Place]) -> Table:
    """People and redemptions by the city of the member, the largest first."""
    return _places_table(_("By city"), _("City"), _by(places, _city))


def stores_table(places: Iterable[Place]) -> Table:
    """People and redemptions by the member's home store, the largest first."""
    return _places_table(_("By home store"), _("Home store"), _by(places, _store))


def ranked_stores(places: Iterable[Place]) -> Table:
    """
    The stores with the best and the worst rate; the rest, among them those too small to rank, in one line.

    No rows when no store is large enough.
    """
    rows = _by([one for one in places if one.store_id is not None], _store)
    enough = sorted((row for row in rows if row[1] >= FEWEST), key=lambda row: (-row[2] / row[1], row[0]))
    ends = enough if len(enough) <= 2 * RANKED else [*enough[:RANKED], *enough[-RANKED:]]
    whole, shown = _by(places, lambda one: (0, "")), [_with_rate(row, part=2, whole=1) for row in ends]
    if ends:
        rest = [whole[0][column] - sum(row[column] for row in ends) for column in (1, 2, 3)]
        shown.append(_with_rate([_("all others"), *rest], part=2, whole=1))
    return Table(
        _("Stores with the best and the worst rate"), _place_columns(_("Home store")), shown,
        _with_rate(_sums(shown, 1, 4), part=2, whole=1),
    )  # fmt: skip


def opt_outs_table(found: Outcome) -> Table:
    """Why people left within seven days."""
    rows: dict[str, int] = defaultdict(int)
    for source, reason, people in found.report.reasons_to_leave:
        rows[_reason(source, reason)] += people
    ranked: list[list[Any]] = [[name, rows[name]] for name in sorted(rows, key=lambda name: (-rows[name], name))]
    unknown = found.report.opt_outs - sum(rows.values())
    if unknown:
        ranked.append([_("reason not kept any more"), unknown])
    return _counted(_("Opted out within seven days"), _("Reason"), _("People"), ranked)


def money_table(found: Outcome) -> Table:
    """What it cost and what the tickets of the redemptions brought."""
    told, tickets = found.report, sum(one.ticket_count for one in found.hours)
    parts = {"count": f"{told.progress.part_count:,}"}
    coupons = {"count": f"{told.redemptions['redeemed']:,}"}
    rows = [
        [_("SMS cost (%(count)s parts)") % parts, told.progress.cost],
        [_("Saved by members (%(count)s coupons)") % coupons, told.redemptions["saving_fen"] * 100],
        [_("Spent in all"), found.spent],
        [_("Paid with these coupons (%(count)s tickets with an amount)") % {"count": f"{tickets:,}"},
         found.paid_fen * 100],
    ]  # fmt: skip
    return Table(_("What it cost, what it brought"), [Column(_("Item"), TEXT), Column(_("Yuan"), COST)], rows)


def _reason(source: str, reason: str) -> str:
    if source == ConsentSource.REPLY:
        return _("replied to a message")
    return str(REASONS[reason]) if reason in REASONS else _("gave no reason")


def _city(one: Place) -> tuple[int, str]:
    return 0, one.city or _("no city")


def _store(one: Place) -> tuple[int, str]:
    return one.store_id or 0, one.store or _("no store")


def _by(places: Iterable[Place], key_of: Callable[[Place], tuple[int, str]]) -> list[list[Any]]:
    """Name, people, redemptions and savings of places that share a key (number and name), the largest first."""
    found: dict[tuple[int, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for one in places:
        sums = found[key_of(one)]
        for column, figure in enumerate((one.people, one.redeemed, one.saving_fen)):
            sums[column] += figure
    return sorted(([key[1], *sums] for key, sums in found.items()), key=lambda row: (-row[1], row[0]))


def _place_columns(head: str) -> list[Column]:
    return [
        Column(head, TEXT), Column(_("Were to receive it")), Column(_("Redeemed")),
        Column(_("Saved by members (yuan)"), YUAN), Column(_("Redemption rate"), SHARE),
    ]  # fmt: skip


def _places_table(title: str, head: str, rows: list[list[Any]]) -> Table:
    shown = [_with_rate(row, part=2, whole=1) for row in rows]
    return Table(title, _place_columns(head), shown, _with_rate(_sums(rows, 1, 4), part=2, whole=1))


def _counted(title: str, name: str, unit: str, rows: list[list[Any]]) -> Table:
    return Table(title, [Column(name, TEXT), Column(unit)], rows, _sums(rows, 1, 2))


def _sums(rows: Sequence[Sequence[Any]], first: int, end: int) -> list[Any]:
    return [_("Total"), *(sum(row[column] for row in rows) for column in range(first, end))]


def _with_rate(row: Sequence[Any], *, part: int, whole: int) -> list[Any]:
    return [*row, (row[part], row[whole])]
