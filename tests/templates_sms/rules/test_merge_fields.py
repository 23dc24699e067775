import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from templates_sms.rules.merge_fields import (
    EXAMPLE_WIDTHS,
    FIELDS,
    Field,
    Literal,
    MergeFieldMissing,
    Problem,
    fields_in,
    fill,
    parse,
    validate,
    worst_case_values,
)

BODY = "{name|会员}您好，100%好礼，券码{coupon_code}，{expires}前有效 {coupon_link}"
VALUES = {
    "name": "徐平",
    "coupon_code": "7K3M-9QX2-TD5V",
    "expires": "12月31日",
    "coupon_link": "https://c.xx.cn/c/8fK2mQx9Z1b",
}


def test_a_body_is_split_into_text_and_fields():
    assert parse("{name|会员}您好，{ expires }止") == [
        Field("name", "会员"),
        Literal("您好，"),
        Field("expires"),
        Literal("止"),
    ]
    assert parse("") == []
    assert fields_in(BODY) == {"name", "coupon_code", "expires", "coupon_link"}


def test_a_body_is_filled():
    assert fill(BODY, VALUES) == "徐平您好，100%好礼，券码7K3M-9QX2-TD5V，12月31日前有效 https://c.xx.cn/c/8fK2mQx9Z1b"
    assert fill("没有变量，50% off %s", {}) == "没有变量，50% off %s"


@pytest.mark.parametrize("values", [{}, {"name": ""}])
def test_an_empty_or_missing_value_takes_the_fallback(values):
    assert fill("{name|会员}您好", values) == "会员您好"


@pytest.mark.parametrize("body", ["{name}您好", "{name|}您好"])
def test_a_missing_value_without_fallback_is_refused(body):
    with pytest.raises(MergeFieldMissing) as refused:
        fill(body, {"name": ""})

    assert refused.value.field == "name"


def test_braces_and_per_cent_in_a_value_are_no_placeholders():
    assert fill("{name}！", {"name": "{expires}%s"}) == "{expires}%s！"


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        (BODY, []),
        ("", [("EMPTY_BODY", "")]),
        (" 　", [("EMPTY_BODY", "")]),
        ("{nmae}您好", [("UNKNOWN_FIELD", "nmae")]),
        ("{}您好", [("UNKNOWN_FIELD", "")]),
        ("{name您好", [("UNCLOSED_BRACE", "{name您好")]),
        ("name}您好", [("UNCLOSED_BRACE", "name}您好")]),
        ("{{name}}", [("UNCLOSED_BRACE", "{"), ("UNCLOSED_BRACE", "}")]),
        ("券码{coupon_code|无}", [("FALLBACK_NOT_ALLOWED", "coupon_code")]),
        ("{name| }您好", [("FALLBACK_EMPTY", "name")]),
        ("一\n二\r\n三", [("LINE_BREAK", "U+000A"), ("LINE_BREAK", "U+000D")]),
        ("一\u200b二\t三", [("INVISIBLE_CHARACTER", "U+200B"), ("INVISIBLE_CHARACTER", "U+0009")]),
    ],
)
def test_a_body_is_validated(body, problems):
    assert validate(body) == [Problem(code, detail) for code, detail in problems]


@given(st.text(max_size=40) | st.text(alphabet="{}|name会员 %s", max_size=40))
@settings(max_examples=200)
def test_parsing_loses_nothing_and_any_body_can_be_validated(body):
    parts = parse(body)
    written = "".join(
        part.text
        if isinstance(part, Literal)
        else "{" + part.name + ("" if part.fallback is None else "|" + part.fallback) + "}"
        for part in parts
    )

    assert parse(written) == parts
    assert "".join(written.split()) == "".join(body.split())
    assert isinstance(validate(body), list)


@given(
    parts=st.lists(
        st.sampled_from([f"{{{name}}}" for name in FIELDS]) | st.text(alphabet="券% d您", max_size=5),
        max_size=8,
    ),
    values=st.fixed_dictionaries({name: st.text(min_size=1, max_size=6) for name in FIELDS}),
)
@settings(max_examples=150)
def test_filling_agrees_with_plain_replacement(parts, values):
    expected = "".join(values[part[1:-1]] if part.startswith("{") else part for part in parts)

    assert fill("".join(parts), values) == expected


def test_the_worst_case_knows_every_field():
    assert EXAMPLE_WIDTHS.keys() == set(FIELDS)
    assert worst_case_values({"name": "阿" * 9}) == EXAMPLE_WIDTHS | {"name": "阿" * 9}
    assert len(EXAMPLE_WIDTHS["coupon_code"]) == 14
    assert "{" not in fill(BODY, worst_case_values())
