# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""End a run of all gates with its failed tests, and one line that counts the tests of all pytests.

usage: summary.py STATUS REPORTS, where STATUS is the exit status of the gates, and REPORTS the
directory of the junit files of pytest.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

LONGEST = 1500  # characters of the message of a failed test


class Count(NamedTuple):
    """The number of tests by outcome."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Count) -> Count:  # type: ignore[override]
        """Add number by number, not as tuples."""
        return Count(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))

    def __str__(self) -> str:
        """Return it as pytest prints it."""
        return ', '.join(f'{number} {name}' for name, number in self._asdict().items())


def count(report: Path) -> Count:
    """Count the tests of one junit file; an error in setup or teardown is a failure."""
    total = Count()
    for case in ElementTree.parse(report).iter('testcase'):
        outcome = {child.tag for child in case}
        if outcome & {'failure', 'error'}:
            total += Count(failed=1)
        elif 'skipped' in outcome:
            total += Count(skipped=1)
        else:
            total += Count(passed=1)
    return total


def when(report: Path) -> str:
    """When a run began, and how long it took."""
    suite = ElementTree.parse(report).find('testsuite')
    if suite is None or not suite.get('timestamp'):
        return ''
    return f' ({float(suite.get("time", 0)):.0f} s from {suite.get("timestamp", "")[11:19]})'


def failures(report: Path) -> Iterator[str]:
    """The failed tests of one junit file, with what is said of each."""
    for case in ElementTree.parse(report).iter('testcase'):
        for child in case:
            if child.tag in ('failure', 'error'):
                message = child.get('message', '')[:LONGEST]
                place = f'{case.get("classname")}::{case.get("name")}'
                yield f'FAILED {place}\n{textwrap.indent(message, "    ")}'


def main(status: int, reports: Path) -> int:
    """Print a line for each run and the sum last; return 1 if anything failed."""
    total = Count()
    files = sorted(reports.glob('*.xml'))
    for failure in chain.from_iterable(map(failures, files)):
        print(failure)
    for report in files:
        part = count(report)
        print(f'{report.stem}: {part}{when(report)}')
        total += part
    if status and not total.failed:
        # A linter, the build, or a run that ended before its report.
        print('a gate that is not a test failed, see above')
        total += Count(failed=1)
    if not sum(total):
        print('no test was run')
        status = 1
    print(total, flush=True)
    return 1 if status or total.failed else 0


if __name__ == '__main__':
    sys.exit(main(int(sys.argv[1]), Path(sys.argv[2])))
