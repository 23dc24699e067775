"""Bandit over the rooms, compared with what somebody has looked at: scripts/audit.toml."""

import json
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("foundation", "members", "templates_sms", "coupons", "delivery", "campaigns", "console", "manage.py")
EXCEPTIONS = ROOT / "scripts" / "audit.toml"


def findings() -> list[dict[str, Any]]:
    """What bandit says of the rooms."""
    command = [sys.executable, "-m", "bandit", "--quiet", "--recursive", "--format", "json", *ROOMS]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    answer: dict[str, Any] = json.loads(told.stdout)
    if answer["errors"]:
        raise SystemExit(f"bandit could not read {answer['errors']}")
    return list(answer["results"])


def faults(found: list[dict[str, Any]], exceptions: dict[str, Any]) -> list[str]:
    """Findings that nobody has looked at, and exceptions that nothing needs any more."""
    skipped = set(exceptions.get("skip", {}))
    places = Counter(
        (one["test_id"], str(Path(one["filename"]))) for one in found if one["test_id"] not in skipped
    )  # fmt: skip
    known = {
        (test, place): facts["times"] for test, table in exceptions.items() if test != "skip"
        for place, facts in table.items() if facts["why"]
    }  # fmt: skip
    wrong = []
    for test, place in sorted(places.keys() | known.keys()):
        count, looked_at = places[test, place], known.get((test, place), 0)
        if count != looked_at:
            wrong.append(f"{place}: {test} is found {count} times, looked at {looked_at}")
    return wrong


def main() -> int:
    """Print what is wrong, and where."""
    found = findings()
    wrong = faults(found, tomllib.loads(EXCEPTIONS.read_text(encoding="utf-8")))
    for line in wrong:
        print(line)
        for one in found:
            if line.startswith(f"{one['filename']}: {one['test_id']} "):
                print(f"    line {one['line_number']}: {one['issue_text']}")
    print(f"{len(found)} findings, {len(wrong)} places that nobody has looked at")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
