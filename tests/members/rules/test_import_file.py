import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from members.rules.import_file import FileRefused, sniff_delimiter, sniff_encoding

TEXT = "卡号,手机号,姓名\nM1,19900000001,徐平\n" * 300


def in_chunks(data, size):
    return [data[start : start + size] for start in range(0, len(data), size)]


@pytest.mark.parametrize("size", [1, 3, 4_096, 10**6])
@pytest.mark.parametrize(
    ("written", "sniffed"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("gb18030", "gb18030"), ("gbk", "gb18030"),
     ("utf-16", "utf-16")],
)  # fmt: skip
def test_the_encoding_is_found_whatever_the_size_of_chunks(written, sniffed, size):
    assert sniff_encoding(in_chunks(TEXT.encode(written), size)) == sniffed


def test_plain_ascii_counts_as_utf_8():
    assert sniff_encoding([b"card_no,phone\nM1,19900000001\n"]) == "utf-8"


def test_an_ascii_start_of_ten_megabytes_does_not_hide_gb18030():
    data = [b"M1,19900000001\n" * 1_000] * 50 + ["徐平\n".encode("gb18030")]

    assert sniff_encoding(data) == "gb18030"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "EMPTY"),
        (b" \r\n\t", "EMPTY"),
        (b"PK\x03\x04rest", "BINARY"),
        (b"a,b\0c", "BINARY"),
        ("a,b".encode("utf-16-le"), "BINARY"),
        ("a,b".encode("utf-32"), "UNKNOWN_ENCODING"),
        (b"a,b\n\xff\xff\xff", "UNKNOWN_ENCODING"),
        (codecs.BOM_UTF8 + b"\xff", "UNKNOWN_ENCODING"),
        (codecs.BOM_UTF16_LE + b"a\0b", "UNKNOWN_ENCODING"),
        ("徐".encode()[:1], "UNKNOWN_ENCODING"),
    ],
)
def test_what_is_no_text_is_refused_with_its_reason(data, code):
    with pytest.raises(FileRefused) as refused:
        sniff_encoding([data])

    assert refused.value.code == code


@given(data=st.binary(max_size=200), size=st.integers(1, 50))
@settings(max_examples=200)
def test_a_sniffed_encoding_reads_the_whole_file_and_chunks_do_not_matter(data, size):
    try:
        encoding = sniff_encoding(in_chunks(data, size))
    except FileRefused as refused:
        with pytest.raises(FileRefused) as again:
            sniff_encoding([data])
        assert again.value.code == refused.code
        return
    data.decode(encoding)
    assert sniff_encoding([data]) == encoding


@pytest.mark.parametrize(
    ("line", "delimiter"),
    [
        ("卡号,手机号", ","),
        ("卡号\t手机号", "\t"),
        ("卡号;手机号;姓名", ";"),
        ('"a;b;c",d', ","),
        ("卡号", ","),
        ("", ","),
        ('"卡号"\t"手机, 座机, 其他"\t"姓名"', "\t"),
    ],
)
def test_the_delimiter_is_the_one_that_splits_most(line, delimiter):
    assert sniff_delimiter(line) == delimiter
