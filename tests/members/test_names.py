import pytest

from members.queries.names import name_widths
from tests.factories import NOON, make_member

pytestmark = pytest.mark.django_db


def test_names_are_counted_by_their_width():
    for number, name in enumerate(("王芳", "李静", "欧阳娜娜", "", "王𠮷")):
        make_member(number, name=name, city="杭州" if number else "上海")
    rule = {"op": "all", "rules": [{"field": "city", "op": "in", "value": ["杭州"]}]}

    everybody, some = name_widths(rule=None, now=NOON), name_widths(rule=rule, now=NOON)

    assert [(one.length, one.wide, one.people) for one in everybody] == [(0, 0, 1), (2, 0, 2), (2, 1, 1), (4, 0, 1)]
    assert sum(one.people for one in some) == 4


def test_an_example_has_the_width_but_is_nobodys_name():
    make_member(1, name="欧阳娜娜")
    make_member(2, name="王𠮷")

    examples = [one.example for one in name_widths(rule=None, now=NOON)]

    assert examples == ["王𠮷", "欧某某某"]
