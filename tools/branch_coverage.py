"""``python -m tools.branch_coverage``: did the last measured test run take enough of the layer's branches?

The floor in pyproject.toml counts lines and branches together, so it alone would let branches fall below it.
"""

import json
import sys
import tempfile
from pathlib import Path

from coverage import Coverage

FLOOR = 95.0


def main() -> int:
    """Print the share in per cent; return 1 if it is below the floor."""
    measured = Coverage()
    measured.load()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "coverage.json"
        measured.json_report(outfile=str(report))
        totals = json.loads(report.read_text(encoding="utf-8"))["totals"]
    share = 100 * totals["covered_branches"] / totals["num_branches"]
    print(f"branches of the layer: {share:.1f} % (at least {FLOOR:.0f})")
    return int(share < FLOOR)


if __name__ == "__main__":
    sys.exit(main())
