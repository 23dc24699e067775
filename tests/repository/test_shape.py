import re
from statistics import median

import pytest

from tests.repository.sources import MAY_NAME, ROOMS, ROOT, TABLE, functions, sources, statements
from tests.sharing import NEEDS_STACK

CODE = [*ROOMS, "console"]


def test_no_file_is_longer_than_600_lines():
    long = [path for path in sources(*CODE, "tests") if len(path.read_text(encoding="utf-8").splitlines()) > 600]

    assert long == []


def test_no_function_is_longer_than_60_lines_and_most_are_short():
    lengths = dict(one for path in sources(*CODE) for one in functions(path))

    assert {name: length for name, length in lengths.items() if length > 60} == {}
    assert median(lengths.values()) <= 10
    ranked = sorted(lengths.values())
    assert ranked[len(ranked) * 9 // 10] <= 35


@pytest.mark.parametrize("room", ROOMS)
def test_raw_sql_of_a_room_names_only_tables_of_that_room_and_of_rooms_below(room):
    wrong = [
        (place, found[0])
        for place, statement in statements(room)
        for found in TABLE.finditer(statement)
        if found[1].lower() not in MAY_NAME[room]
    ]

    assert wrong == []


def test_the_sql_police_would_see_a_wrong_table():
    assert TABLE.search("SELECT 1 FROM coupons_coupon c")[1] == "coupons"
    assert any(TABLE.search(statement) for _place, statement in statements("delivery"))


def test_every_sql_file_begins_with_what_it_does_and_says_what_it_locks():
    files = sorted(path for room in ROOMS for path in (ROOT / room / "sql").glob("*.sql"))
    headers = {path.name: re.match(r"(?:--[^\n]*\n)+", path.read_text(encoding="utf-8")) for path in files}

    assert len(files) >= 10
    assert [name for name, header in headers.items() if header is None] == []
    silent = [name for name, header in headers.items() if header and not re.search(r"Lock|Reads|Index", header[0])]
    assert silent == []


def test_nothing_is_left_to_do_without_an_issue():
    marks = re.compile(r"\b(?:TODO|FIXME|XXX)\b(?!\(#\d+\))")
    places = sources(*CODE) + sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.sql"))

    assert [path for path in places if marks.search(path.read_text(encoding="utf-8"))] == []


def test_every_module_with_code_says_what_it_is():
    silent = [
        path.relative_to(ROOT)
        for path in sources(*CODE)
        if (text := path.read_text(encoding="utf-8").lstrip()) and not text.startswith(('"""', 'r"""'))
    ]

    assert silent == []


def test_every_test_of_the_whole_stack_is_shared_as_one():
    asking = {path for path in (ROOT / "tests" / "e2e").glob("test_*.py") if "stack: Stack" in path.read_text("utf-8")}

    assert {path.relative_to(ROOT).as_posix() for path in asking} == NEEDS_STACK
