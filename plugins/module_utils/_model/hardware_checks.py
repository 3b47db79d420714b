# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether requested hardware is possible."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import List

from .checks import reference_problems
from .hardware import TOPOLOGY, Hardware
from .problem import Problem, invalid

_COUNTS = range(1, 257)
_DRIVES = 2
# What a host must have installed.
_PACKAGES = {'firmware': 'ovmf', 'secure_boot': 'ovmf', 'tpm': 'swtpm and swtpm-tools'}
_CPU_MODEL = re.compile(r'[A-Za-z0-9_.-]{1,64}')


def hardware_problems(hardware: Hardware) -> List[Problem]:
    """What is invalid in requested hardware, regardless of the host."""
    names = [
        problem
        for disc in hardware.cdroms or ()
        for problem in reference_problems(disc, 'hardware')
    ]
    return [*(invalid('hardware', text) for text in _faults(hardware)), *names]


def _faults(hardware: Hardware) -> Iterator[str]:
    for option in TOPOLOGY:
        value = getattr(hardware, option)
        if value is not None and value not in _COUNTS:
            yield f'{option}: {value} is out of range; use 1 to {_COUNTS[-1]}'
    model = hardware.cpu_model
    if model is not None and not _CPU_MODEL.fullmatch(model):
        yield f'cpu_model: {model!r} is no name of a CPU model'
    order = hardware.boot_order
    if order is not None and (not order or len(order) > len({*order})):
        yield f'boot_order: {list(order)} is not possible; name each device once'
    discs = hardware.cdroms or ()
    if len(discs) > min(_DRIVES, len({*discs})):
        yield f'cdroms: {list(discs)} is not possible; name at most {_DRIVES} images, each once'


def topology_problem(hardware: Hardware, vcpus: int) -> str:
    """Why a number of vCPUs cannot have the topology; empty: it can."""
    sockets, cores, threads = hardware.topology(vcpus)
    if sockets * cores * threads == vcpus:
        return ''
    return (
        f'{vcpus} vCPUs are not {sockets} sockets with {cores} cores of {threads} threads; set '
        'sockets, cores and threads whose product is the number of vCPUs'
    )


def secure_boot_problem(hardware: Hardware) -> str:
    """Why firmware cannot boot securely; empty: it can, or need not."""
    if hardware.secure_boot and hardware.firmware != 'efi':
        return 'secure_boot: true needs firmware: efi; set both, or secure_boot: false'
    return ''


def choice_problems(hardware: Hardware, choices: Mapping[str, Sequence[str]]) -> List[str]:
    """What a host cannot do of specified hardware. ``choices``: what it can, by option."""
    problems = []
    for option, value in hardware.specified().items():
        shown = str(value).lower() if isinstance(value, bool) else value
        possible = choices.get(option, (shown,))
        if shown not in possible:
            why = f'{option}: {shown} is not possible on this host; use one of'
            problems.append(f'{why} {", ".join(possible)}{_way_out(option)}')
    return problems


def _way_out(option: str) -> str:
    packages = _PACKAGES.get(option)
    return f', or install {packages} on the host' if packages else ''
