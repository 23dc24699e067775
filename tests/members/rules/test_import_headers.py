import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from members.rules.import_headers import _RANKED, FIELDS, HeaderRefused, folded_header, match_headers


@pytest.mark.parametrize("kind", FIELDS)
def test_no_name_of_a_kind_means_two_fields(kind):
    names = [folded_header(synonym) for spec in FIELDS[kind].values() for synonym in spec.synonyms]
    of_field = {field: {folded_header(synonym) for synonym in spec.synonyms} for field, spec in FIELDS[kind].items()}

    assert "" not in names
    assert sum(map(len, of_field.values())) == len(set(names)) == len(_RANKED[kind])


@pytest.mark.parametrize("kind", FIELDS)
def test_the_names_of_our_own_fields_are_matched(kind):
    assert match_headers(kind, list(FIELDS[kind])) == {f: n for n, f in enumerate(FIELDS[kind])}


@pytest.mark.parametrize(
    ("headers", "columns"),
    [
        (["会员卡号", "手机号码", "姓名"], {"card_no": 0, "phone": 1, "name": 2}),
        (["序号", "Card No", " MOBILE_PHONE "], {"card_no": 1, "phone": 2}),
        (["\ufeff卡　号", "*手机号（必填）"], {"card_no": 0, "phone": 1}),
        (["ＣＡＲＤ＿ＮＯ", "手机"], {"card_no": 0, "phone": 1}),
        (["联系电话", "手机号", "卡号"], {"card_no": 2, "phone": 1}),
        (["手机号", "联系电话", "卡号", "卡号码"], {"card_no": 2, "phone": 0}),
        (["卡号", "手机号", "门店编码", "是否同意接收短信"],
         {"card_no": 0, "phone": 1, "home_store": 2, "marketing_consent": 3}),
    ],
)  # fmt: skip
def test_members_columns_are_found_by_the_names_chains_use(headers, columns):
    assert match_headers("MEMBERS", headers) == columns


def test_the_amount_paid_wins_over_a_vaguer_amount():
    headers = ["订单号", "会员卡号", "交易时间", "金额(元)", "实付金额（元）"]

    assert match_headers("ORDERS", headers)["amount"] == 4


def test_missing_columns_are_named():
    with pytest.raises(HeaderRefused) as refused:
        match_headers("ORDERS", ["卡号", "备注", ""])

    assert refused.value.missing == ["order_no", "paid_at", "amount"]
    assert refused.value.duplicates == []


def test_one_name_over_two_columns_is_refused():
    with pytest.raises(HeaderRefused) as refused:
        match_headers("MEMBERS", ["卡号", "手机号", "手机号"])

    assert (refused.value.missing, refused.value.duplicates) == ([], ["phone"])
    assert "phone" in str(refused.value)


@given(st.lists(st.sampled_from([*_RANKED["MEMBERS"], "备注", ""]), max_size=8))
@settings(max_examples=150)
def test_each_column_serves_one_field_at_most(headers):
    try:
        columns = match_headers("MEMBERS", headers)
    except HeaderRefused as refused:
        assert refused.missing or refused.duplicates
        return
    assert len(set(columns.values())) == len(columns)
    assert {"card_no", "phone"} <= columns.keys()


@pytest.mark.parametrize(
    ("kind", "header_line"),
    [
        (
            "MEMBERS",
            "card_no,phone,name,gender,birthday,home_store,city,joined_at,income_band,household_size,kids,"
            "marketing_consent",
        ),
        ("STORES", "store_code,name,city"),
        ("ORDERS", "order_no,card_no,store_code,paid_at,amount,discount,lines"),
        ("ORDER_LINES", "order_no,sku,product,category,quantity,amount"),
    ],
)
def test_every_column_of_the_demo_chain_is_matched(kind, header_line):
    headers = header_line.split(",")

    assert match_headers(kind, headers) == {header: column for column, header in enumerate(headers)}
