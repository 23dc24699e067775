from dataclasses import asdict
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from members.rules import import_row as rules
from members.rules.import_row import (
    FIELDS,
    REASONS,
    MemberRow,
    OrderLineRow,
    OrderRow,
    RowRefused,
    StoreRow,
    clean_member,
    clean_order,
    clean_order_line,
    clean_store,
)

MEMBER = {
    "card_no": "M000001",
    "phone": "19900000001",
    "name": "徐平",
    "gender": "女",
    "birthday": "1953-04-28",
    "home_store": "S0436",
    "city": "宁波",
    "joined_at": "2024-05-25 18:55:24",
    "income_band": "35-49K",
    "household_size": "2",
    "kids": "0",
    "level": "金卡",
    "marketing_consent": "是",
}
ORDER = {
    "order_no": "O1",
    "card_no": "M1",
    "store_code": "S1",
    "paid_at": "2025-12-28 11:53:26",
    "amount": "0.5",
    "discount": "-0.1",
    "lines": "1",
}
LINE = {
    "order_no": "O1",
    "sku": "P1",
    "product": "BAGELS",
    "category": "烘焙",
    "quantity": "0.35",
    "amount": "0.99",
}
CLEANERS = {
    "MEMBERS": clean_member,
    "STORES": clean_store,
    "ORDERS": clean_order,
    "ORDER_LINES": clean_order_line,
}


def refusal(clean, values):
    with pytest.raises(RowRefused) as refused:
        clean(values)
    assert refused.value.code in REASONS
    assert str(refused.value).startswith(refused.value.field)
    return refused.value.code, refused.value.field


def test_a_full_member_is_read():
    assert clean_member(MEMBER) == MemberRow(
        card_no="M000001",
        phone="19900000001",
        name="徐平",
        gender="F",
        birthday=date(1953, 4, 28),
        home_store="S0436",
        city="宁波",
        joined_at=datetime(2024, 5, 25, 10, 55, 24, tzinfo=UTC),
        income_band="35-49K",
        household_size=2,
        kids=0,
        level="金卡",
        marketing_consent=True,
    )


def test_a_member_needs_no_more_than_card_and_phone():
    row = clean_member({"card_no": "1", "phone": "13800138000"})

    assert (row.birthday, row.joined_at, row.household_size, row.marketing_consent) == (None,) * 4
    assert (row.name, row.gender, row.home_store, row.level) == ("",) * 4


def test_a_store_an_order_and_its_line_are_read():
    assert clean_store({"store_code": "S1", "name": "苏州2店", "city": ""}) == StoreRow("S1", "苏州2店", "")
    assert clean_order(ORDER) == OrderRow(
        order_no="O1",
        card_no="M1",
        store_code="S1",
        paid_at=datetime(2025, 12, 28, 3, 53, 26, tzinfo=UTC),
        amount_fen=50,
        discount_fen=10,
        line_count=1,
    )
    assert clean_order_line(LINE) == OrderLineRow(
        order_no="O1", sku="P1", product="BAGELS", category="烘焙", quantity_milli=350, amount_fen=99
    )


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("card_no", "'000123", "000123"),
        ("card_no", " Ｍ０１ ", "M01"),
        ("card_no", "123456.0", "123456"),
        ("card_no", '="0012"', "0012"),
        ("card_no", "A-1.0", "A-1.0"),
        ("card_no", "5E10", "5E10"),
        ("card_no", "M\x001", "M1"),
        ("phone", "+86 138-0013-8000", "13800138000"),
        ("name", "  徐\t平 ", "徐 平"),
        ("name", "徐　平", "徐 平"),
        ("name", "徐\x00\u200b平\ufeff", "徐平"),
        ("name", "Ｂｏｂ", "Ｂｏｂ"),
        ("gender", "男", "M"),
        ("gender", "female", "F"),
        ("gender", " M ", "M"),
        ("gender", "2", "F"),
        ("gender", "未知", ""),
        ("gender", "保密", ""),
        ("birthday", "1953/4/8", date(1953, 4, 8)),
        ("birthday", "19530408", date(1953, 4, 8)),
        ("birthday", "1953年4月8日", date(1953, 4, 8)),
        ("birthday", "1953-04-08 00:00:00", date(1953, 4, 8)),
        ("birthday", "1953.4.8", date(1953, 4, 8)),
        ("birthday", "0000-00-00", None),
        ("birthday", "NULL", None),
        ("household_size", "5+", 5),
        ("household_size", "2.0", 2),
        ("household_size", "３人", 3),
        ("kids", "无", None),
        ("kids", "3+", 3),
        ("marketing_consent", "否", False),
        ("marketing_consent", "y", True),
        ("marketing_consent", "0", False),
        ("marketing_consent", "TRUE", True),
        ("marketing_consent", "不同意", False),
        ("marketing_consent", " 同意 ", True),
        ("marketing_consent", "", None),
        ("marketing_consent", "N/A", None),
        ("joined_at", "2026-10-01", datetime(2026, 9, 30, 16, tzinfo=UTC)),
        ("joined_at", "2026/10/1 8:05", datetime(2026, 10, 1, 0, 5, tzinfo=UTC)),
        ("joined_at", "20261001", datetime(2026, 9, 30, 16, tzinfo=UTC)),
        ("joined_at", "20261001080501", datetime(2026, 10, 1, 0, 5, 1, tzinfo=UTC)),
        ("joined_at", "20261001 08:05", datetime(2026, 10, 1, 0, 5, tzinfo=UTC)),
        ("joined_at", "2026年10月1日 8时5分", datetime(2026, 10, 1, 0, 5, tzinfo=UTC)),
        ("joined_at", "2026年10月1日8时5分3秒", datetime(2026, 10, 1, 0, 5, 3, tzinfo=UTC)),
        ("joined_at", "２０２６－１０－０１", datetime(2026, 9, 30, 16, tzinfo=UTC)),
        ("joined_at", "2026-10-01T00:00:00Z", datetime(2026, 10, 1, tzinfo=UTC)),
        ("joined_at", "2026-10-01 08:00:00.500000", datetime(2026, 10, 1, 0, 0, 0, 500_000, tzinfo=UTC)),
        # Shanghai kept summer time from 1986 to 1991.
        ("joined_at", "1990-07-01", datetime(1990, 6, 30, 15, tzinfo=UTC)),
        ("joined_at", "-", None),
    ],
)
def test_a_members_value_is_read_however_it_is_written(field, text, value):
    assert getattr(clean_member(MEMBER | {field: text}), field) == value


@pytest.mark.parametrize(
    ("field", "text", "code"),
    [
        ("card_no", "", "CARD_NO_EMPTY"),
        ("card_no", " \x00 ", "CARD_NO_EMPTY"),
        ("card_no", "1" * 33, "CARD_NO_TOO_LONG"),
        ("card_no", "1.23E+15", "CODE_SCIENTIFIC"),
        ("phone", "", "PHONE_EMPTY"),
        ("phone", "010-12345678", "PHONE_NOT_MOBILE"),
        ("phone", "1.38E+10", "PHONE_SCIENTIFIC"),
        ("phone", "138", "PHONE_WRONG_LENGTH"),
        ("phone", "无", "PHONE_NOT_A_NUMBER"),
        ("name", "徐" * 65, "NAME_TOO_LONG"),
        ("name", "徐\ufffd", "TEXT_DAMAGED"),
        ("name", "徐\ud800", "TEXT_DAMAGED"),
        ("gender", "金卡", "GENDER_NOT_READABLE"),
        ("birthday", "1953-02-30", "DATE_NOT_READABLE"),
        ("birthday", "28/04/1953", "DATE_NOT_READABLE"),
        ("birthday", "1899-12-31", "DATE_OUT_OF_RANGE"),
        ("birthday", "46296", "DATE_NOT_READABLE"),
        ("home_store", "S" * 33, "STORE_CODE_TOO_LONG"),
        ("joined_at", "2026-W01-1", "DATE_NOT_READABLE"),
        ("joined_at", "2026-10-01 25:00", "DATE_NOT_READABLE"),
        ("joined_at", "2101-01-01", "DATE_OUT_OF_RANGE"),
        ("household_size", "两个", "NUMBER_NOT_READABLE"),
        ("household_size", "2.5", "NUMBER_NOT_READABLE"),
        ("kids", "-1", "NUMBER_NOT_READABLE"),
        ("kids", "10000", "NUMBER_TOO_LARGE"),
        ("level", "级" * 33, "LEVEL_TOO_LONG"),
        ("marketing_consent", "也许", "CONSENT_NOT_READABLE"),
    ],
)
def test_a_member_is_refused_with_reason_and_field(field, text, code):
    assert refusal(clean_member, MEMBER | {field: text}) == (code, field)


@pytest.mark.parametrize(
    ("field", "text", "code"),
    [
        ("order_no", "", "ORDER_NO_EMPTY"),
        ("card_no", "", "CARD_NO_EMPTY"),
        ("paid_at", "", "DATE_EMPTY"),
        ("paid_at", "-", "DATE_EMPTY"),
        ("amount", "", "AMOUNT_EMPTY"),
        ("amount", "abc", "AMOUNT_NOT_READABLE"),
        ("amount", "-1", "AMOUNT_NEGATIVE"),
        ("amount", "1.005", "AMOUNT_TOO_MANY_DECIMALS"),
        ("amount", "9" * 20, "AMOUNT_TOO_LARGE"),
        ("discount", "many", "AMOUNT_NOT_READABLE"),
    ],
)
def test_an_order_is_refused_with_reason_and_field(field, text, code):
    assert refusal(clean_order, ORDER | {field: text}) == (code, field)


@pytest.mark.parametrize(("text", "fen"), [("-0.1", 10), ("0.1", 10), ("", 0), ("-", 0), ("0", 0)])
def test_a_discount_is_positive_whatever_its_sign_in_the_file(text, fen):
    assert clean_order(ORDER | {"discount": text}).discount_fen == fen


@pytest.mark.parametrize(
    ("text", "milli"),
    [("1", 1_000), ("0.35", 350), ("0.3500", 350), ("0", 0),
     ("", 1_000), ("２", 2_000), (".5", None), ("-1", None),
     ("0.0001", None), ("1.2.3", None)],
)  # fmt: skip
def test_a_quantity_is_read_in_thousandths(text, milli):
    values = LINE | {"quantity": text}

    if milli is None:
        assert refusal(clean_order_line, values) == ("QUANTITY_NOT_READABLE", "quantity")
    else:
        assert clean_order_line(values).quantity_milli == milli


def test_what_is_too_large_or_has_no_name_is_refused():
    assert refusal(clean_order_line, LINE | {"quantity": "9" * 30}) == ("NUMBER_TOO_LARGE", "quantity")
    assert refusal(clean_order_line, LINE | {"sku": ""}) == ("SKU_EMPTY", "sku")
    assert refusal(clean_store, {"store_code": "S1"}) == ("NAME_EMPTY", "name")
    assert refusal(clean_store, {"store_code": "", "name": "店"}) == ("STORE_CODE_EMPTY", "store_code")


def test_every_code_a_cleaner_can_raise_has_its_sentences():
    long = {f"{rules._code_stem(field)}_TOO_LONG" for field in rules.LENGTHS}
    phone = {f"PHONE_{code}" for code in ("EMPTY", "NOT_A_NUMBER", "WRONG_LENGTH", "NOT_MOBILE", "SCIENTIFIC")}

    assert (long | phone | set(rules._AMOUNT_REASONS.values())) <= REASONS.keys()
    assert all(zh and en.endswith(".") for zh, en in REASONS.values())


written = st.one_of(
    st.text(max_size=20),
    st.text(alphabet="0123456789-/.: 年月日E+", max_size=20),
    st.sampled_from([*MEMBER.values(), *ORDER.values(), *LINE.values()]),
)


@pytest.mark.parametrize("kind", CLEANERS)
@given(data=st.data())
@settings(max_examples=120)
def test_any_row_is_read_or_refused_and_text_is_storable(kind, data):
    values = {field: data.draw(written) for field in FIELDS[kind]}

    try:
        row = CLEANERS[kind](values)
    except RowRefused as refused:
        assert refused.code in REASONS
        assert refused.field in values
        return
    for field, value in asdict(row).items():
        if isinstance(value, str) and field not in {"phone", "gender"}:
            assert "\0" not in value
            assert value == value.strip()
            assert len(value) <= rules.LENGTHS[field]
            value.encode()


@given(values=st.fixed_dictionaries({field: st.sampled_from(["", MEMBER[field]]) for field in MEMBER}))
@settings(max_examples=50)
def test_cleaning_what_was_cleaned_changes_nothing(values):
    values |= {"card_no": MEMBER["card_no"], "phone": MEMBER["phone"]}
    row = clean_member(values)
    again = {k: "" if v is None else str(v) for k, v in asdict(row).items()}

    assert clean_member(again) == row


@given(instant=st.datetimes(datetime(1992, 1, 1), datetime(2099, 1, 1)).map(lambda at: at.replace(microsecond=0)))
@settings(max_examples=100)
def test_all_ways_to_write_an_instant_mean_the_same(instant):
    ways = [
        "%Y-%m-%d %H:%M:%S",
        "%Y/%m/%d %H:%M:%S",
        "%Y%m%d%H%M%S",
        "%Y年%m月%d日 %H时%M分%S秒",
        "%Y-%m-%dT%H:%M:%S+08:00",
    ]
    read = {clean_order(ORDER | {"paid_at": instant.strftime(way)}).paid_at for way in ways}

    assert read == {instant.replace(tzinfo=rules.SHANGHAI).astimezone(UTC)}
