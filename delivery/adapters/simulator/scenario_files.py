"""Scenario files: TOML, one table of a scenario's fields and any number of `[[brownout]]` tables."""

import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from delivery.adapters.simulator.scenario import Brownout, Scenario, ScenarioRefused

FOLDER: Final = Path(__file__).with_name("scenarios")
KINDS: Final = {
    one.name: type(one.default) if one.default is not None else int
    for one in fields(Scenario)
    if one.name != "brownouts"
}
WORDS: Final = {int: "a whole number", float: "a number", bool: "true or false"}
EDGES: Final = ("from_second", "until_second")


def shipped() -> list[str]:
    """Names of the scenarios that come with the project."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name: str) -> Scenario:
    """
    A shipped scenario by its name, or one from a file by its path (with a slash, or ending in .toml).

    Raises ScenarioRefused with one sentence that says what is wrong.
    """
    is_path = "/" in name or name.endswith(".toml")
    if not is_path and name not in shipped():
        raise ScenarioRefused(f"There is no scenario {name!r}; there are {', '.join(shipped())}, or a path to a file.")
    path = Path(name) if is_path else FOLDER / f"{name}.toml"
    try:
        return read(path.read_text(encoding="utf-8"))
    except OSError as missing:
        raise ScenarioRefused(f"{path} can't be read: {missing.strerror}.") from missing
    except ValueError as wrong:  # ScenarioRefused, and what is neither TOML nor UTF-8
        raise ScenarioRefused(f"{path}: {wrong}") from wrong


def read(text: str) -> Scenario:
    """A scenario from the text of a file. Raises ScenarioRefused, or ValueError when it is not TOML."""
    found = tomllib.loads(text)
    windows = found.pop("brownout", [])
    if not isinstance(windows, list) or not all(isinstance(one, dict) for one in windows):
        raise ScenarioRefused("brownout must be tables, each under [[brownout]].")
    return Scenario(**_values(found), brownouts=tuple(_brownout(one) for one in windows))


def _brownout(table: dict[str, Any]) -> Brownout:
    missing = [name for name in EDGES if name not in table]
    if missing:
        raise ScenarioRefused(f"A brown-out lacks {' and '.join(missing)}.")
    begins, ends = (_value(name, float, table[name]) for name in EDGES)
    changes = _values({name: value for name, value in table.items() if name not in EDGES})
    return Brownout(begins, ends, tuple(changes.items()))


def _values(table: dict[str, Any]) -> dict[str, Any]:
    unknown = sorted(table.keys() - KINDS.keys())
    if unknown:
        raise ScenarioRefused(f"Unknown: {', '.join(unknown)}. Known are {', '.join(KINDS)}.")
    return {name: _value(name, KINDS[name], value) for name, value in table.items()}


def _value(name: str, kind: type, value: Any) -> Any:
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind or value != value or value in (float("inf"), float("-inf")):
        raise ScenarioRefused(f"{name} must be {WORDS[kind]}, not {value!r}.")
    return value
