# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The figures of the tests of reliability, in build/reports/reliability.json.

Two runs at once may add to one file. Run as a program, this writes the table of
docs/reliability.md.
"""

from __future__ import annotations

import fcntl
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REPORT = ROOT / 'build' / 'reports' / 'reliability.json'
PAGE = ROOT / 'docs' / 'reliability.md'
ROWS = (
    'Killed anywhere',
    'Check mode oracle',
    'Crowds',
    'Bad input',
    'Changes by others',
    'Secrets',
    'Recovery',
)
BEGIN, END = '<!-- figures: written by make soak -->', '<!-- end of figures -->'


def counted() -> dict[str, dict[str, int]]:
    """The figures so far."""
    return json.loads(REPORT.read_text(encoding='utf-8')) if REPORT.exists() else {}


def add(name: str, **numbers: int) -> None:
    """Add to the figures of a row: ``figures.add('Killed anywhere', points=812, tasks=58)``."""
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    with open(REPORT, 'a+', encoding='utf-8') as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        found = json.loads(file.read() or '{}')
        row = found.setdefault(name, {})
        for what, number in numbers.items():
            row[what] = row.get(what, 0) + number
        file.truncate(0)
        file.write(json.dumps(found, indent=2, sort_keys=True) + '\n')


def table() -> str:
    """Return the figures as a Markdown table."""
    lines = ['| What | Figures |', '|---|---|']
    for name, numbers in sorted(counted().items()):
        figures = ', '.join(
            f'{number:,} {what.replace("_", " ")}' for what, number in numbers.items()
        )
        lines.append(f'| {name} | {figures} |')
    return '\n'.join(lines)


def write_page() -> None:
    """Write the table to the document; fail if a row has no figures."""
    missing = [name for name in ROWS if name not in counted()]
    if missing:
        raise SystemExit(f'no figures of: {", ".join(missing)}')
    before, _begin, rest = PAGE.read_text(encoding='utf-8').partition(BEGIN)
    _old, _end, after = rest.partition(END)
    PAGE.write_text(f'{before}{BEGIN}\n{table()}\n{END}{after}', encoding='utf-8')


if __name__ == '__main__':
    write_page()
