# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""When servers are started at the boot of their host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, List

from .problem import Problem, invalid

MAX_START_ORDER = 9999  # hanok-start of the role host reads so many digits
MAX_START_DELAY = 3600  # seconds


def start_problems(options: Mapping[str, Any]) -> List[Problem]:
    """Check when a server is started at the boot of its host."""
    problems = []
    if not 0 <= options.get('start_order', 0) <= MAX_START_ORDER:
        text = f'{options["start_order"]} is out of range; use 0 to {MAX_START_ORDER}'
        problems.append(invalid('start_order', text))
    if not 0 <= options.get('start_delay', 0) <= MAX_START_DELAY:
        text = f'{options["start_delay"]} is out of range; use 0 to {MAX_START_DELAY} (seconds)'
        problems.append(invalid('start_delay', text))
    return problems
