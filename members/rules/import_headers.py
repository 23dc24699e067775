"""Which column is what: the header names that chains' files carry, Chinese and English."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["MEMBERS", "STORES", "ORDERS", "ORDER_LINES"]


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """
    One field of a kind of file. `synonyms` stand best first: when a file has several of them
    (金额 and 实付金额), the earlier one is taken.
    """

    required: bool
    synonyms: tuple[str, ...]


class HeaderRefused(ValueError):
    """Required columns are missing, or one name stands over several columns."""

    def __init__(self, *, missing: Sequence[str] = (), duplicates: Sequence[str] = ()) -> None:
        parts = []
        if missing:
            parts.append(f"Missing columns: {', '.join(missing)}.")
        if duplicates:
            parts.append(f"Columns that occur twice: {', '.join(duplicates)}.")
        super().__init__(" ".join(parts))
        self.missing = list(missing)
        self.duplicates = list(duplicates)


def _required(*synonyms: str) -> FieldSpec:
    return FieldSpec(True, synonyms)


def _optional(*synonyms: str) -> FieldSpec:
    return FieldSpec(False, synonyms)


_CARD_NO = (
    "card_no", "会员卡号", "卡号", "会员编号", "会员号", "会员ID", "会员码", "会员卡", "会员代码",
    "card number", "card", "card id", "member no", "member_id", "member number", "member code",
    "membership number", "loyalty card", "customer_id", "customer no", "客户编号", "客户号", "顾客编号",
)  # fmt: skip
_STORE_CODE = (
    "store_code", "门店编码", "门店编号", "门店代码", "门店号", "店号", "店铺编码", "店铺编号", "门店ID",
    "门店", "店铺", "消费门店", "交易门店", "下单门店", "store", "store_id", "store no", "store number",
    "shop_code", "shop_id", "shop", "branch code",
)  # fmt: skip
_ORDER_NO = (
    "order_no", "订单号", "订单编号", "小票号", "小票编号", "流水号", "交易流水号", "交易号", "单号",
    "销售单号", "order number", "order_id", "order", "receipt_no", "receipt number", "receipt", "basket_id",
    "transaction_id", "transaction no", "ticket no",
)  # fmt: skip
_CITY = ("city", "城市", "所在城市", "所属城市", "常住城市", "居住城市", "门店城市", "市", "地市", "town")

FIELDS: dict[Kind, dict[str, FieldSpec]] = {
    "MEMBERS": {
        "card_no": _required(*_CARD_NO),
        "phone": _required(
            "phone", "手机号", "手机号码", "手机", "会员手机", "会员手机号", "移动电话", "联系手机",
            "绑定手机号", "mobile", "mobile phone", "mobile number", "mobile no", "phone number", "phone no",
            "cellphone", "cell", "联系电话", "电话", "电话号码", "联系方式", "tel", "telephone", "msisdn",
        ),
        "name": _optional(
            "name", "姓名", "会员姓名", "客户姓名", "顾客姓名", "会员名", "会员名称", "名字", "真实姓名",
            "full name", "member name", "customer name", "称呼", "昵称",
        ),
        "gender": _optional("gender", "性别", "会员性别", "sex"),
        "birthday": _optional(
            "birthday", "生日", "出生日期", "出生年月日", "会员生日", "生日日期", "birth date",
            "date of birth", "dob", "birthdate",
        ),
        "home_store": _optional(
            "home_store", "归属门店", "所属门店", "归属门店编码", "所属门店编码", "门店编码", "开卡门店",
            "开卡门店编码", "入会门店", "注册门店", "门店编号", "门店代码", "主门店", "常去门店", "门店",
            "店铺", "home store code", "store_code", "store", "store_id", "shop",
        ),
        "city": _optional(*_CITY),
        "joined_at": _optional(
            "joined_at", "入会时间", "入会日期", "注册时间", "注册日期", "开卡时间", "开卡日期", "加入时间",
            "加入日期", "办卡时间", "办卡日期", "joined", "join date", "join time", "registered_at",
            "registration date", "registration time", "member since", "signup date", "created_at", "创建时间",
        ),
        "income_band": _optional(
            "income_band", "收入段", "收入区间", "收入范围", "收入水平", "家庭收入", "年收入", "收入",
            "income", "household income", "income range",
        ),
        "household_size": _optional(
            "household_size", "家庭人数", "家庭人口", "家庭成员数", "家庭规模", "人口数", "household",
            "family size",
        ),
        "kids": _optional(
            "kids", "孩子数", "孩子数量", "子女数", "子女数量", "儿童数", "小孩数", "kids count", "children",
            "number of kids", "child count",
        ),
        "level": _optional(
            "level", "会员等级", "等级", "会员级别", "级别", "卡等级", "会员类型", "卡类型", "tier",
            "member level", "grade", "card type",
        ),
        "marketing_consent": _optional(
            "marketing_consent", "营销同意", "同意营销", "是否同意营销", "是否同意接收短信",
            "是否同意接收营销短信", "同意接收短信", "同意接收营销短信", "是否接收短信", "是否接收营销短信",
            "接收短信", "接收营销短信", "营销授权", "短信授权", "短信营销授权", "是否授权", "consent",
            "opt in", "sms consent", "sms opt in", "marketing opt in", "accepts marketing", "marketing",
        ),
    },
    "STORES": {
        "store_code": _required(*_STORE_CODE),
        "name": _required(
            "name", "门店名称", "门店名", "店名", "店铺名称", "店铺名", "名称", "store name", "shop name",
        ),
        "city": _optional(*_CITY),
    },
    "ORDERS": {
        "order_no": _required(*_ORDER_NO),
        "card_no": _required(*_CARD_NO),
        "store_code": _optional(*_STORE_CODE),
        "paid_at": _required(
            "paid_at", "支付时间", "支付日期", "付款时间", "付款日期", "交易时间", "交易日期", "消费时间",
            "消费日期", "下单时间", "下单日期", "订单时间", "订单日期", "购买时间", "购买日期", "销售时间",
            "销售日期", "时间", "日期", "payment time", "payment date", "paid time", "paid date",
            "transaction time", "transaction date", "transaction timestamp", "order time", "order date",
            "purchased_at", "purchase date", "timestamp", "time", "date", "created_at",
        ),
        "amount": _required(
            "amount", "实付金额", "实付", "实收金额", "实收", "支付金额", "付款金额", "成交金额", "交易金额",
            "消费金额", "订单金额", "销售金额", "金额", "合计", "总金额", "paid amount", "amount paid",
            "order amount", "sales value", "net amount", "total amount", "total",
        ),
        "discount": _optional(
            "discount", "优惠金额", "优惠", "折扣金额", "折扣", "让利金额", "让利", "减免金额", "减免",
            "discount amount",
        ),
        "lines": _optional(
            "lines", "行数", "明细行数", "明细数", "商品行数", "商品种类数", "商品件数", "件数", "line count",
            "items", "item count",
        ),
    },
    "ORDER_LINES": {
        "order_no": _required(*_ORDER_NO),
        "sku": _required(
            "sku", "商品编码", "商品编号", "商品代码", "商品号", "货号", "商品ID", "商品条码", "条码",
            "条形码", "sku编码", "sku code", "sku_id", "product_id", "product code", "item code", "item_id",
            "barcode", "plu",
        ),
        "product": _optional(
            "product", "商品名称", "商品名", "品名", "商品", "货品名称", "product name", "item name",
            "product type", "item", "description",
        ),
        "category": _optional(
            "category", "品类", "类别", "商品类别", "商品品类", "商品分类", "分类", "类目", "大类", "部门",
            "category name", "product category", "department",
        ),
        "quantity": _optional(
            "quantity", "数量", "购买数量", "销售数量", "件数", "重量", "qty", "count", "units",
        ),
        "amount": _required(
            "amount", "实付金额", "实收金额", "成交金额", "销售金额", "行金额", "金额", "小计", "line amount",
            "sales value", "line total", "paid amount", "subtotal", "total",
        ),
    },
}  # fmt: skip

_UNIT = re.compile(r"\([^()]*\)")
_IGNORED = {ord(mark): None for mark in "_-*'\"·.:/\ufeff\u200b\0"}


def folded_header(header: str) -> str:
    """A header as it is compared and remembered: NFKC, lower case, without blanks, marks and a unit in brackets."""
    folded = unicodedata.normalize("NFKC", header).casefold()
    return "".join(_UNIT.sub("", folded).translate(_IGNORED).split())


_RANKED: dict[Kind, dict[str, tuple[str, int]]] = {
    kind: {
        folded_header(synonym): (field, rank)
        for field, spec in fields.items()
        for rank, synonym in reversed(list(enumerate(spec.synonyms)))
    }
    for kind, fields in FIELDS.items()
}


@dataclass(frozen=True, slots=True)
class Guess:
    """Which column seems to be which field; `missing` are required, `duplicates` stand over two columns."""

    columns: dict[str, int]
    missing: list[str]
    duplicates: list[str]


def guess_columns(kind: Kind, headers: Sequence[str], remembered: Mapping[str, str] | None = None) -> Guess:
    """
    Find the column of each field of a kind; unknown columns are left aside.

    `remembered` maps folded headers to the field somebody chose for them before, or to "" for none; it
    goes before the names we know. A field that stands over two columns is in neither.
    """
    best: dict[str, int] = {}
    columns: dict[str, list[int]] = {}
    for column, header in enumerate(headers):
        field, rank = _known(kind, folded_header(header), remembered or {})
        if not field:
            continue
        if rank < best.get(field, rank + 1):
            best[field], columns[field] = rank, [column]
        elif rank == best[field]:
            columns[field].append(column)
    return Guess(
        columns={field: found[0] for field, found in columns.items() if len(found) == 1},
        missing=[field for field, spec in FIELDS[kind].items() if spec.required and field not in columns],
        duplicates=[field for field, found in columns.items() if len(found) > 1],
    )


def _known(kind: Kind, header: str, remembered: Mapping[str, str]) -> tuple[str, int]:
    """Field and rank of a folded header; what somebody chose stands before all names."""
    chosen = remembered.get(header)
    if chosen is None:
        return _RANKED[kind].get(header, ("", 0))
    return (chosen, -1) if chosen in FIELDS[kind] else ("", 0)


def match_headers(kind: Kind, headers: Sequence[str], remembered: Mapping[str, str] | None = None) -> dict[str, int]:
    """
    The column of each field of a kind, as `guess_columns` finds them.

    Raises HeaderRefused when a required field has no column, or when the name that would be taken
    stands over two columns.
    """
    guess = guess_columns(kind, headers, remembered)
    if guess.missing or guess.duplicates:
        raise HeaderRefused(missing=guess.missing, duplicates=guess.duplicates)
    return guess.columns


def check_columns(kind: Kind, columns: Mapping[str, int], width: int) -> None:
    """
    Judge columns that a person has chosen for a file of `width` columns.

    Raises HeaderRefused when a required field has none, ValueError for fields and columns that don't exist
    or for a column that would fill two fields.
    """
    if not set(columns) <= set(FIELDS[kind]) or not all(0 <= column < width for column in columns.values()):
        raise ValueError("no such field or column")
    if len(set(columns.values())) < len(columns):
        raise ValueError("one column for two fields")
    missing = [field for field, spec in FIELDS[kind].items() if spec.required and field not in columns]
    if missing:
        raise HeaderRefused(missing=missing)
