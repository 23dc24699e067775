"""A draft as the page draws it: for each node its controls, its answers to choose from, its figure, its fault."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from console.workplaces.segment_draft import DEEPEST, Focus, Group, Leaf, Node, Path, key_of, nodes
from console.workplaces.segment_form import BOUGHT, MANY, NO, YES, Judged
from members.queries.segment import SegmentField, fields
from members.queries.segment_picture import Picture
from members.rules.segment import Choice, FieldSpec

SHOWN_CHOICES = 12  # more than these are searched
SHOWN_CHOSEN = 20  # more than these stand in a text field, one a line
FOUND = 20

OPS = {
    "in": pgettext_lazy("question", "is one of"), "not_in": pgettext_lazy("question", "is none of"),
    "is": pgettext_lazy("question", "is"), "at_least": pgettext_lazy("question", "at least"),
    "at_most": pgettext_lazy("question", "at most"), "more_than": pgettext_lazy("question", "more than"),
    "less_than": pgettext_lazy("question", "less than"), "before": pgettext_lazy("question", "before"),
    "since": pgettext_lazy("question", "since"), "between": pgettext_lazy("question", "between"),
    "never": pgettext_lazy("question", "never"), "bought": pgettext_lazy("question", "bought"),
    "not_bought": pgettext_lazy("question", "not bought"),
}  # fmt: skip
FAULTS = {
    "UNFILLED": _("This rule is not filled in yet."),
    "EMPTY_GROUP": _("This group has no rule yet."),
    "TOO_DEEP": _("Groups are nested more than four deep."),
    "TOO_MANY_RULES": _("A segment has at most 50 rules."),
}
UNFIT = _("This answer does not fit the question.")


@dataclass(frozen=True)
class Option:
    """An answer to tick or to choose."""

    value: str
    label: str
    is_chosen: bool


@dataclass
class Row:
    """
    One node. `widget` names the controls of a rule: PICK, SEARCH, SELECT, NUMBER, MONEY, DATE, BETWEEN, BOUGHT, NONE.

    `focus` is the control that takes the keyboard.
    """

    path: Path
    node: Node
    parent_op: str
    is_first: bool
    is_last: bool
    fault: Any = ""
    left: int | None = None
    gone: int = 0
    focus: str = ""
    widget: str = "NONE"
    options: list[Option] = field(default_factory=list)
    hits: list[Option] = field(default_factory=list)
    ops: list[tuple[str, Any]] = field(default_factory=list)
    unit: str = ""
    rows: list["Row"] = field(default_factory=list)

    @property
    def key(self) -> str:
        """The node's name in the form."""
        return key_of(self.path)

    @property
    def place(self) -> str:
        """The node's place as buttons say it."""
        return "".join(f".{index}" for index in self.path)

    @property
    def slug(self) -> str:
        """The node's name in identifiers."""
        return "-".join(("n", *map(str, self.path)))

    @property
    def number(self) -> str:
        """The node's place as people count: 2.1 is the first rule of the second."""
        return ".".join(str(index + 1) for index in self.path)

    @property
    def is_group(self) -> bool:
        """Whether this is a group of rules."""
        return isinstance(self.node, Group)

    @property
    def may_nest(self) -> bool:
        """Whether a group in this group is not too deep."""
        return len(self.path) + 1 < DEEPEST

    @property
    def is_many(self) -> bool:
        """Whether the chosen answers are too many to tick."""
        return isinstance(self.node, Leaf) and len(self.node.values) > SHOWN_CHOSEN

    @property
    def lines(self) -> str:
        """The chosen answers, one a line."""
        return "\n".join(self.node.values) if isinstance(self.node, Leaf) else ""

    @property
    def found(self) -> list[Option]:
        """The first answers that the search found."""
        return self.hits[:FOUND]

    @property
    def more_found(self) -> int:
        """Answers that the search found and that are not shown."""
        return max(len(self.hits) - FOUND, 0)


def flat(row: Row) -> list[Row]:
    """The row and all under it."""
    return [row, *(one for child in row.rows for one in flat(child))]


class Drawing:
    """Draws one draft; the answers that a field offers are read once."""

    def __init__(self, judged: Judged, picture: Picture | None, focus: Focus | None) -> None:
        self._judged = judged
        self._picture = picture
        self._focus = focus
        self._is_zh = (get_language() or "zh-hans").startswith("zh")
        self._offers: dict[str, Sequence[Choice]] = {}

    def row(self, node: Node, path: Path = (), parent_op: str = "all", siblings: int = 1) -> Row:
        """A node and all under it."""
        place = path[-1] if path else 0
        row = Row(path, node, parent_op, place == 0, place == siblings - 1)
        row.fault = self.fault(path)
        if self._picture is not None and path in self._picture.left:
            row.left, row.gone = self._picture.left[path].left, self._picture.left[path].gone
        if self._focus is not None and self._focus[0] == path:
            row.focus = self._focus[1]
        if isinstance(node, Group):
            row.rows = [
                self.row(rule, (*path, index), node.op, len(node.rules)) for index, rule in enumerate(node.rules)
            ]
        else:
            self._leaf(row, node)
        return row

    def fault(self, path: Path) -> Any:
        """What is wrong at a node, in words."""
        code = self._judged.errors.get(path)
        return "" if code is None else FAULTS.get(code, UNFIT)

    def _leaf(self, row: Row, leaf: Leaf) -> None:
        offered = fields().get(leaf.field)
        if offered is None:
            return
        spec = offered.spec
        row.ops = [(op, OPS[op]) for op in spec.ops]
        row.unit = self._unit(spec)
        row.widget = widget_of(leaf.op, spec)
        if row.widget in {"PICK", "SELECT", "BOUGHT"}:
            self._choices(row, leaf, offered)

    def _unit(self, spec: FieldSpec) -> str:
        kinds = {"MONEY": ("元", "yuan"), "DAYS_AGO": ("天", "days")}
        zh, en = kinds.get(spec.kind, (spec.unit_zh, spec.unit_en))
        return zh if self._is_zh else en

    def _offered(self, one: SegmentField) -> Sequence[Choice]:
        """All answers that a field knows of."""
        name = one.spec.name
        if name not in self._offers:
            self._offers[name] = one.spec.choices or (one.offers() if one.offers else ())
        return self._offers[name]

    def _choices(self, row: Row, leaf: Leaf, one: SegmentField) -> None:
        chosen = set(leaf.values)
        options = [
            Option(str(choice.value), choice.label_zh if self._is_zh else choice.label_en, str(choice.value) in chosen)
            for choice in self._offered(one)
        ]
        if one.spec.kind == "BOOLEAN":
            options = [Option(YES, str(_("yes")), YES in chosen), Option(NO, str(_("no")), NO in chosen)]
        known = {option.value for option in options}
        gone = [Option(value, value, True) for value in leaf.values if value and value not in known]
        if row.widget != "PICK" or len(options) <= SHOWN_CHOICES:
            row.options = [*gone, *options]
            return
        row.widget = "SEARCH"
        row.options = [*gone, *(option for option in options if option.is_chosen)]
        row.hits = matching(options, leaf.find)


def matching(options: Sequence[Option], words: str) -> list[Option]:
    """The answers not yet chosen that hold every word; none for no word."""
    asked = words.casefold().split()
    if not asked:
        return []
    return [
        one for one in options
        if not one.is_chosen and all(word in f"{one.label} {one.value}".casefold() for word in asked)
    ]  # fmt: skip


def widget_of(op: str, spec: FieldSpec) -> str:
    if op in BOUGHT:
        return "BOUGHT"
    if op in MANY:
        return "PICK"
    if op == "never":
        return "NONE"
    if op == "between":
        return "BETWEEN"
    if spec.choices or spec.kind == "BOOLEAN":
        return "SELECT"
    return {"MONEY": "MONEY", "DATE": "DATE"}.get(spec.kind, "NUMBER")


def settle(draft: Group) -> None:
    """Give every rule a question that its field can be asked, and what a list to choose from shows as chosen."""
    for _path, node in nodes(draft):
        offered = fields().get(node.field) if isinstance(node, Leaf) else None
        if not isinstance(node, Leaf) or offered is None:
            continue
        spec = offered.spec
        node.op = node.op if node.op in spec.ops else spec.ops[0]
        if not node.values and widget_of(node.op, spec) == "SELECT":
            node.values = [str(spec.choices[0].value) if spec.choices else YES]


def field_names() -> list[tuple[str, str]]:
    """Every field with its name, in the order of the catalogue."""
    is_zh = (get_language() or "zh-hans").startswith("zh")
    return [(name, one.spec.label_zh if is_zh else one.spec.label_en) for name, one in fields().items()]
