"""
A segment while it is being written: a tree of raw text, read from a form and rearranged there.

The form names a node by its place: `n` is the outermost group, `n.0` its first rule, `n.0.2` the third rule of
that one; behind the place stands what is said of the node (`n.0.field`, `n.is`). So the whole tree makes its way
through any submit button.
"""

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

Path = tuple[int, ...]

NAME = re.compile(r"n((?:\.\d{1,3}){0,8})\.(is|field|was|op|value|days|find)")
EDIT = re.compile(r"(add|group|drop|up|down)((?:\.\d{1,3}){0,8})")
GROUP_OPS = ("all", "any", "none")
DEEPEST = 4
MOST_NODES = 120


@dataclass
class Leaf:
    """A rule: the field, how it is asked, and the answer as typed. `find` searches among many answers."""

    field: str = ""
    op: str = ""
    values: list[str] = dataclasses.field(default_factory=list)
    days: str = ""
    find: str = ""


@dataclass
class Group:
    """All, any or none of some rules."""

    op: str = "all"
    rules: list["Leaf | Group"] = dataclasses.field(default_factory=list)


Node = Leaf | Group
Facts = dict[str, list[str]]
Focus = tuple[Path, str]


def key_of(path: Path) -> str:
    """The name of a node in the form."""
    return ".".join(("n", *map(str, path)))


def path_of(text: str) -> Path:
    """The place behind `n`: ".0.2" is (0, 2)."""
    return tuple(int(number) for number in text.split(".")[1:])


def is_tree(names: Iterable[str]) -> bool:
    """Whether a form holds a tree at all."""
    return "n.is" in names


def read(form: Iterable[tuple[str, list[str]]]) -> Group:
    """The tree of a form. What is no part of one is passed over, so anything may be sent."""
    known: dict[Path, Facts] = {}
    for name, values in form:
        found = NAME.fullmatch(name)
        if found and (len(known) < MOST_NODES or path_of(found[1]) in known):
            known.setdefault(path_of(found[1]), {})[found[2]] = values
    return _group((), known)


def _group(path: Path, known: dict[Path, Facts]) -> Group:
    places = sorted(place for place in known if place[:-1] == path and place)
    op = _last(known.get(path, {}), "is")
    return Group(op if op in GROUP_OPS else "all", [_node(place, known) for place in places])


def _node(path: Path, known: dict[Path, Facts]) -> Node:
    facts = known[path]
    if "is" in facts:
        return _group(path, known)
    name = _last(facts, "field")
    if "was" in facts and _last(facts, "was") != name:
        return Leaf(name)  # another field: its questions and answers are others
    values = [line for text in facts.get("value", []) for line in (text.splitlines() or [text])]
    return Leaf(name, _last(facts, "op"), values, _last(facts, "days"), _last(facts, "find"))


def _last(facts: Facts, name: str) -> str:
    return (facts.get(name) or [""])[-1]


def nodes(group: Group, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """Every node under a group with its place, a group before its rules."""
    for index, rule in enumerate(group.rules):
        yield (*path, index), rule
        if isinstance(rule, Group):
            yield from nodes(rule, (*path, index))


def at(root: Group, path: Path) -> Node | None:
    """The node at a place; None when there is none."""
    node: Node = root
    for index in path:
        if not isinstance(node, Group) or index >= len(node.rules):
            return None
        node = node.rules[index]
    return node


def edit(root: Group, command: str) -> Focus | None:
    """
    Carry out what a button says ("add.0", "drop.0.2") in the tree itself.

    Returns the place and the control that gets the keyboard next; None for a command that means nothing here.
    """
    found = EDIT.fullmatch(command)
    if found is None:
        return None
    path = path_of(found[2])
    return _EDITS[found[1]](root, path)


def _add(root: Group, path: Path) -> Focus | None:
    return _append(root, path, Leaf())


def _add_group(root: Group, path: Path) -> Focus | None:
    if len(path) + 1 >= DEEPEST:
        return None
    focus = _append(root, path, Group("any", [Leaf()]))
    return None if focus is None else ((*focus[0], 0), "field")


def _append(root: Group, path: Path, new: Node) -> Focus | None:
    group = at(root, path)
    if not isinstance(group, Group) or sum(1 for _node in nodes(root)) >= MOST_NODES - 2:
        return None
    group.rules.append(new)
    return (*path, len(group.rules) - 1), "field"


def _drop(root: Group, path: Path) -> Focus | None:
    group = at(root, path[:-1])
    if not path or not isinstance(group, Group) or path[-1] >= len(group.rules):
        return None
    del group.rules[path[-1]]
    if not group.rules:
        return path[:-1], "add"
    left = (*path[:-1], min(path[-1], len(group.rules) - 1))
    return left, "is" if isinstance(at(root, left), Group) else "field"


def _move(step: int) -> Callable[[Group, Path], Focus | None]:
    def move(root: Group, path: Path) -> Focus | None:
        group = at(root, path[:-1])
        if not path or not isinstance(group, Group):
            return None
        here, there = path[-1], path[-1] + step
        if not (0 <= there < len(group.rules) and here < len(group.rules)):
            return None
        group.rules[here], group.rules[there] = group.rules[there], group.rules[here]
        is_end = not 0 <= there + step < len(group.rules)
        return (*path[:-1], there), {-1: "up", 1: "down"}[-step if is_end else step]

    return move


_EDITS: dict[str, Callable[[Group, Path], Focus | None]] = {
    "add": _add,
    "group": _add_group,
    "drop": _drop,
    "up": _move(-1),
    "down": _move(1),
}
