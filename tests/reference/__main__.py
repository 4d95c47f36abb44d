"""``python -m tests.reference FOLDER``: exit code 1 when a normative case fails, 2 when there is none to run."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from tests.reference.case import find_cases, load_case
from tests.reference.comparison import run_case


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.reference", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of NAME.json with NAME.npz")
    folder = parser.parse_args(arguments).folder
    cases = find_cases(folder)
    if not cases:
        print(f"{folder}: expected cases (NAME.json with NAME.npz), found none")
        return 2
    results = []
    for path in cases:
        results.append(run_case(load_case(path)))
        print(results[-1], flush=True)
    count = Counter(result.verdict for result in results)
    failures = sum(result.counts_as_failure for result in results)
    print(
        f"{len(results)} cases: {count['pass']} passed, {count['fail']} failed ({failures} of them normative), "
        f"{count['not covered']} not covered"
    )
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
