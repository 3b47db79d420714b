# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The last line of `make test` counts every test, and never reports a failed run as passed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SUMMARY = Path(__file__).resolve().parents[1] / 'tools' / 'summary.py'
CASES = {
    'passed': '<testcase name="a"/>',
    'printing': '<testcase name="a"><system-out>failure</system-out></testcase>',
    'failed': '<testcase classname="test" name="a"><failure message="no"/></testcase>',
    'broken': '<testcase classname="test" name="b"><error message="setup"/></testcase>',
    'both': '<testcase name="a"><failure message="no"/><error message="teardown"/></testcase>',
    'skipped': '<testcase name="a"><skipped message="why"/></testcase>',
}


@pytest.mark.parametrize(
    ('status', 'runs', 'line', 'code'),
    [
        (
            0,
            {'unit': 'passed printing', 'integration': 'passed'},
            '3 passed, 0 failed, 0 skipped',
            0,
        ),
        (0, {'unit': 'passed skipped'}, '1 passed, 0 failed, 1 skipped', 0),
        (
            2,
            {'unit': 'passed failed', 'integration': 'broken both'},
            '1 passed, 3 failed, 0 skipped',
            1,
        ),
        (0, {'unit': 'passed failed'}, '1 passed, 1 failed, 0 skipped', 1),
        (2, {'unit': 'passed'}, '1 passed, 1 failed, 0 skipped', 1),
        (2, {}, '0 passed, 1 failed, 0 skipped', 1),
        (0, {}, '0 passed, 0 failed, 0 skipped', 1),
        (0, {'unit': ''}, '0 passed, 0 failed, 0 skipped', 1),
    ],
)
def test_the_last_line(
    tmp_path: Path, status: int, runs: dict[str, str], line: str, code: int
) -> None:
    """The sum of all runs; a gate that failed without a failed test counts as one failure."""
    done = summary(tmp_path, status, runs)
    assert (done.stdout.splitlines()[-1], done.returncode) == (line, code), done.stderr


def test_failures(tmp_path: Path) -> None:
    """Each failed test is named, with its message."""
    printed = summary(tmp_path, 2, {'unit': 'passed failed', 'others': 'broken'}).stdout
    assert printed.startswith('FAILED test::b\n    setup\nFAILED test::a\n    no\nothers: ')


def test_when(tmp_path: Path) -> None:
    """A run tells when it began, and how long it took."""
    suite = '<testsuite timestamp="2026-01-31T09:00:01.5+00:00" time="61.4"/>'
    (tmp_path / 'unit.xml').write_text(f'<testsuites>{suite}</testsuites>', encoding='utf-8')
    printed = summary(tmp_path, 0, {'others': 'passed'}).stdout
    assert 'unit: 0 passed, 0 failed, 0 skipped (61 s from 09:00:01)\n' in printed


def summary(folder: Path, status: int, runs: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the program on reports with these cases."""
    for name, cases in runs.items():
        text = ''.join(CASES[case] for case in cases.split())
        (folder / f'{name}.xml').write_text(
            f'<testsuites><testsuite>{text}</testsuite></testsuites>', encoding='utf-8'
        )
    return subprocess.run(
        [sys.executable, str(SUMMARY), str(status), str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
