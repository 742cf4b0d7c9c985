"""The table of README.md: what the benchmark holds Cove to."""

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
BEGIN, END = "<!-- thresholds: made by dev/reference.py -->\n", "<!-- end of thresholds -->\n"


def readme() -> str:
    """README.md with its table made anew."""
    sys.path.insert(0, str(ROOT))
    from benchmarks.verdicts import thresholds

    before, _, rest = (ROOT / "README.md").read_text().partition(BEGIN)
    rows = "".join(f"| {each.says} | {each.limit()} |\n" for each in thresholds().values())
    return before + BEGIN + "\n| what | p50 |\n| --- | --- |\n" + rows + "\n" + END + rest.partition(END)[2]
