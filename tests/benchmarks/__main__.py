"""`python -m tests.benchmarks NAME [--n N]`: run one benchmark or all, print and keep a line of JSON each."""

import argparse
import subprocess
import sys
from importlib import import_module

from tests.benchmarks.stage import ROOT, prepare, services

SIZES = {"freeze": 1_000_000, "submit": 200_000, "receipts": 200_000, "links": 20_000, "seals": 1_000_000}
QUICK_SIZES = {"freeze": 50_000, "submit": 20_000, "receipts": 20_000, "links": 2_000, "seals": 50_000}


def main() -> int:
    """Run what was asked for; each benchmark has services and a process of its own: Django keeps to one database."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("names", nargs="*", choices=[[], *SIZES], default=[])
    parser.add_argument("--n", type=int)
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    names = arguments.names or list(SIZES)
    if len(names) == 1:
        run_here(names[0], arguments.n or (QUICK_SIZES if arguments.quick else SIZES)[names[0]])
        return 0
    options = (["--quick"] if arguments.quick else []) + (["--n", str(arguments.n)] if arguments.n else [])
    command = [sys.executable, "-m", "tests.benchmarks"]
    codes = [subprocess.run([*command, name, *options], cwd=ROOT, check=False).returncode for name in names]
    return int(any(codes))


def run_here(name: str, size: int) -> None:
    """Run one benchmark in this process, print its line and keep it."""
    with services():
        prepare()
        line = import_module(f"tests.benchmarks.{name}").run(size).line()
    sys.stdout.write(line + "\n")
    kept = ROOT / "var" / "bench.jsonl"
    kept.parent.mkdir(exist_ok=True)
    with kept.open("a", encoding="utf-8") as stream:
        stream.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
