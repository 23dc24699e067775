"""`python -m tests.benchmarks NAME [--n N]`: run one benchmark or all, print and keep a line of JSON each."""

import argparse
import sys
from importlib import import_module

from tests.benchmarks.stage import ROOT, prepare, services

SIZES = {"freeze": 1_000_000, "submit": 200_000, "receipts": 200_000, "links": 20_000}
QUICK_SIZES = {"freeze": 50_000, "submit": 20_000, "receipts": 20_000, "links": 2_000}


def main() -> int:
    """Run what was asked for; each benchmark gets fresh services."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("names", nargs="*", choices=[[], *SIZES], default=[])
    parser.add_argument("--n", type=int)
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    sizes = QUICK_SIZES if arguments.quick else SIZES
    lines = []
    for name in arguments.names or SIZES:
        with services():
            prepare()
            result = import_module(f"tests.benchmarks.{name}").run(arguments.n or sizes[name])
            lines.append(result.line())
            sys.stdout.write(lines[-1] + "\n")
            sys.stdout.flush()
    kept = ROOT / "var" / "bench.jsonl"
    kept.parent.mkdir(exist_ok=True)
    with kept.open("a", encoding="utf-8") as stream:
        stream.writelines(f"{line}\n" for line in lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
