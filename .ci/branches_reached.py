"""Fails where tests reach too few branches: coverage's own limit counts lines beside them.

The limit is the one for both, ``fail_under`` in pyproject.toml.
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from coverage import Coverage


def main() -> int:
    """Say how many of the branches were reached, and return the exit status."""
    measured = Coverage()
    measured.load()
    with TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        measured.json_report(outfile=str(report))
        totals = json.loads(report.read_text())["totals"]
    reached, branches = totals["covered_branches"], totals["num_branches"]
    limit = float(str(measured.get_option("report:fail_under")))
    share = 100 * reached / branches
    print(f"{share:.1f} % of {branches:,} branches are reached; {limit:g} % is the limit")
    return share < limit


if __name__ == "__main__":
    sys.exit(main())
