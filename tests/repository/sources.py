"""The repository as the tests that police it see it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("foundation", "members", "templates_sms", "coupons", "delivery", "campaigns")
MAY_NAME = {
    "foundation": {"foundation"},
    "members": {"foundation", "members"},
    "templates_sms": {"foundation", "templates_sms"},
    "coupons": {"foundation", "members", "templates_sms", "coupons"},
    "delivery": {"foundation", "members", "templates_sms", "delivery"},
    "campaigns": set(ROOMS),
}
TABLE = re.compile(rf"\b(?:FROM|JOIN|INTO|UPDATE|TABLE|COPY)\s+({'|'.join(ROOMS)})_[a-z_]+", re.IGNORECASE)
STATEMENT = re.compile(r"\b(?:SELECT|INSERT INTO|UPDATE|DELETE FROM|COPY)\b")


def sources(*folders: str) -> list[Path]:
    """Python files of some folders, without migrations."""
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return sorted(path for path in found if "migrations" not in path.parts)


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Name and length in lines of every function of a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{path.relative_to(ROOT)}:{node.name}", (node.end_lineno or node.lineno) - node.lineno + 1


def statements(room: str) -> Iterator[tuple[str, str]]:
    """Every raw statement of a room: its SQL files, and the texts in its Python that read like SQL."""
    for path in sorted((ROOT / room).rglob("*.sql")):
        yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
    for path in sources(room):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and STATEMENT.search(node.value):
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node.value
