"""docs/reference/retention.md, made from data_retention.toml."""

from collections.abc import Iterator

from foundation.services.retention_file import KINDS, Kept, Rule, load

HEAD = """# How long things are kept

Made from `data_retention.toml` by `python manage.py retention`; do not edit. Beat applies the deadlines every night at
03:15 (`foundation.apply_retention`), part by part, and writes what it did into the audit (`retention.applied`).
Deadlines that name a service are applied by that service under the task beside it.

`person` goes when a member is erased ([a person asks](../howto/privacy.md)), `hash` names somebody only to whoever
holds the keys or another row, `derived` is made from other rows, `staff` is of an operator, `secret` is sealed or
hashed, `keep` is of nobody. Months and their number are [settings](settings.md).
"""


def page() -> str:
    """The whole page."""
    kept, without = load()
    parts = [HEAD]
    parts += ["\n".join(_section(label, one)) for label, one in kept.items()]
    parts.append(
        "## Tables of others in which nothing personal stands\n\n" + "\n".join(f"- {one}" for one in sorted(without))
    )
    return "\n".join(parts) + "\n"


def _section(label: str, one: Kept) -> Iterator[str]:
    yield f"## {label}\n\n{one.why}\n"
    yield f"- rows: {_rows(one)}"
    if one.blank is not None:
        yield f"- emptied: {_names(one.blank.fields)} {_deadline(one.blank)}"
    for kind in KINDS:
        if names := [name for name, found in one.kinds.items() if found == kind]:
            yield f"- {kind}: {_names(names)}"
    yield ""


def _rows(one: Kept) -> str:
    if one.parent:
        return f"go with {one.parent}"
    return "stay" if one.rows is None else f"deleted {_deadline(one.rows)}"


def _deadline(rule: Rule) -> str:
    if rule.by:
        return f"by `{rule.by}` (`{rule.task}`)"
    age = f"{rule.days} days" if rule.days is not None else f"{rule.months} months"
    only = "".join(f", only where `{name}` is {' or '.join(values)}" for name, values in (rule.where or {}).items())
    return f"{age} after `{rule.of}`{only}"


def _names(names: list[str] | tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)
