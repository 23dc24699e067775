"""What differs between the four kinds of file: cleaning, staging columns, statements."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from foundation.phone import carrier_of
from foundation.services.phones import confirmed_ring
from members.models import ImportKind
from members.rules.import_row import (
    Kind,
    MemberRow,
    OrderLineRow,
    OrderRow,
    StoreRow,
    clean_member,
    clean_order,
    clean_order_line,
    clean_store,
)
from members.services.cards import card_hash


@dataclass(frozen=True, slots=True)
class ImportSpec:
    """One kind of file."""

    key: str  # the column that keeps rows together
    staging: str  # columns of the staging table behind `line`
    clean: Callable[[Mapping[str, str]], Any]
    identity: Callable[[Any], Any]  # what a file may name only once
    stage: Callable[[Any], tuple[Any, ...]]
    statement: str  # members/sql/<statement>.sql: writes staging, returns line and outcome
    follow_ups: tuple[str, ...] = ()
    foreign: str = ""  # members/sql/<foreign>.sql: takes rows of other stores out of staging


KINDS: dict[ImportKind, Kind] = {
    ImportKind.MEMBERS: "MEMBERS",
    ImportKind.STORES: "STORES",
    ImportKind.ORDERS: "ORDERS",
    ImportKind.ORDER_LINES: "ORDER_LINES",
}


def _stage_member(row: MemberRow) -> tuple[Any, ...]:
    ring = confirmed_ring()
    return (
        row.card_no, row.name, ring.digest(row.phone), ring.encrypt(row.phone), row.phone[-4:],
        str(carrier_of(row.phone)), row.gender, row.birthday, row.home_store, row.city, row.level, row.joined_at,
        row.income_band, row.household_size, row.kids, row.marketing_consent, card_hash(row.card_no),
    )  # fmt: skip


def _stage_store(row: StoreRow) -> tuple[Any, ...]:
    return (row.store_code, row.name, row.city)


def _stage_order(row: OrderRow) -> tuple[Any, ...]:
    return (
        row.order_no, row.card_no, row.store_code, row.paid_at, row.amount_fen, row.discount_fen, row.line_count,
        card_hash(row.card_no),
    )  # fmt: skip


def _stage_line(row: OrderLineRow) -> tuple[Any, ...]:
    return (row.order_no, row.sku, row.product, row.category, row.quantity_milli, row.amount_fen)


def kind_of(kind: str) -> Kind:
    """A stored kind as the rules name it. Raises ValueError for anything else."""
    return KINDS[ImportKind(kind)]


@cache
def spec_of(kind: str) -> ImportSpec:
    """The spec of a kind."""
    return {
        ImportKind.MEMBERS: ImportSpec(
            key="card_no", clean=clean_member, identity=lambda row: row.card_no, stage=_stage_member,
            staging="card_no text, name text, phone_hash uuid, phone_cipher bytea, phone_tail text, carrier text,"
            " gender text, birthday date, home_store text, city text, level text, joined_at timestamptz,"
            " income_band text, household_size smallint, kids smallint, marketing_consent boolean, card_hash uuid",
            statement="upsert_members", follow_ups=("import_consent",), foreign="foreign_members",
        ),
        ImportKind.STORES: ImportSpec(
            key="store_code", clean=clean_store, identity=lambda row: row.store_code, stage=_stage_store,
            staging="store_code text, name text, city text", statement="upsert_stores",
        ),
        ImportKind.ORDERS: ImportSpec(
            key="order_no", clean=clean_order, identity=lambda row: row.order_no, stage=_stage_order,
            staging="order_no text, card_no text, store_code text, paid_at timestamptz, amount_fen bigint,"
            " discount_fen bigint, line_count integer, card_hash uuid", statement="upsert_orders",
            foreign="foreign_orders",
        ),
        ImportKind.ORDER_LINES: ImportSpec(
            key="order_no", clean=clean_order_line, identity=lambda row: (row.order_no, row.sku), stage=_stage_line,
            staging="order_no text, sku text, product text, category text, quantity_milli bigint, amount_fen bigint",
            statement="upsert_order_lines",
        ),
    }[ImportKind(kind)]  # fmt: skip
