# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sizes of machines without a flavor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import List

from .flavor import amount_problems
from .problem import Problem, invalid

USUAL_MEMORY = 512  # MiB; systems from the images of distributions need about as much to boot


def machine_size_problems(options: Mapping[str, object]) -> List[Problem]:
    """Check that the size of a server is that of a flavor, or vCPUs and memory; or not managed."""
    flavor, vcpus, memory = (options.get(option) for option in ('flavor', 'vcpus', 'memory'))
    problems = amount_problems({'vcpus': vcpus, 'memory': memory})
    if vcpus is None and memory is None:
        return problems
    if flavor is not None:
        text = f'{flavor} sets vcpus and memory; use either flavor, or vcpus and memory'
        problems.append(invalid('flavor', text))
    for option, value, other in (('vcpus', vcpus, 'memory'), ('memory', memory, 'vcpus')):
        if value is None:
            problems.append(invalid(option, f'{other} without a flavor needs it, too'))
    return problems


def small_memory(memory: int) -> str:
    """The warning of a server without a flavor that has little memory; empty if it has enough."""
    if memory >= USUAL_MEMORY:
        return ''
    return f'memory: {memory} MiB is little: most systems need {USUAL_MEMORY} MiB or more to boot'
