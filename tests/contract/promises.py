# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every task promises, on every cloud."""

from __future__ import annotations

import re
from typing import Any, Protocol

Result = dict[str, Any]
CODES = {'invalid', 'refused', 'missing', 'unsupported'}  # of what is found before any change


class Run(Protocol):
    """Run a module on a cloud."""

    def __call__(self, module: str, check: bool = False, **options: Any) -> Result:
        """Return its result."""


def keep(run: Run, module: str, **options: Any) -> Result:
    """Run a task: check mode predicts what the run changes, and a second run changes nothing."""
    predicted = run(module, check=True, **options)
    done = run(module, **options)
    second = run(module, **options)
    assert not done.get('failed'), done['msg']
    assert predicted['changed'] == done['changed'], options
    assert lasting(predicted['diff']) == lasting(done['diff']), options
    assert set(predicted) - {'warnings'} == set(done) - {'warnings'}
    assert not second['changed'], second['diff']
    return done


def lasting(diff: dict[str, str]) -> dict[str, str]:
    """A diff without the health of members, which may change from one run to the next."""
    return {
        side: re.sub(r'^  health:\n(?:  [- ] .*\n)*', '', text, flags=re.MULTILINE)
        for side, text in diff.items()
    }


def refused(run: Run, module: str, **options: Any) -> str:
    """Run a task that is refused, in check mode as in a run; return the message."""
    predicted, done = run(module, check=True, **options), run(module, **options)
    assert predicted.get('failed'), predicted
    assert done.get('failed'), done
    assert predicted['msg'] == done['msg']
    assert predicted['errors'] == done['errors']
    assert {error['code'] for error in done['errors']} <= CODES
    assert all(error['msg'] in done['msg'] for error in done['errors'])
    text: str = done['msg']
    return text
