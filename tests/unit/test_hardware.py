# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The hardware of servers: what is left out, what is recorded, what is refused."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.hardware import HARDWARE
from ansible_collections.hanok.cloud.plugins.module_utils._model.hardware import (
    DEFAULTS,
    Hardware,
    hardware_from,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.hardware_checks import (
    choice_problems,
    hardware_problems,
    topology_problem,
)

NUMBERS = st.sampled_from([None, 1, 2, 3, 4])
ANY = st.builds(
    Hardware,
    st.sampled_from([None, *DEFAULTS]),
    NUMBERS,
    NUMBERS,
    NUMBERS,
    st.sampled_from([None, 'default', 'qemu64']),
    st.sampled_from([None, 'virtio', 'scsi', 'sata']),
    st.sampled_from([None, 'virtio', 'e1000e', 'rtl8139']),
    st.sampled_from([None, 'vga', 'none']),
    st.sampled_from([None, ('disk',), ('network', 'disk')]),
    st.sampled_from([None, 'bios', 'efi']),
    st.sampled_from([None, True, False]),
    st.sampled_from([None, True, False]),
    st.sampled_from([None, (), ('disc',), ('disc', 'other')]),
)
VCPUS = st.integers(1, 16)


@pytest.mark.parametrize(
    ('specified', 'topology'),
    [
        ({}, (4, 1, 1)),
        ({'sockets': 2}, (2, 2, 1)),
        ({'cores': 4}, (1, 4, 1)),
        ({'threads': 2}, (1, 2, 2)),
        ({'sockets': 1, 'cores': 2}, (1, 2, 2)),
        ({'cores': 1, 'threads': 2}, (2, 1, 2)),
        ({'sockets': 1, 'threads': 1}, (1, 4, 1)),
    ],
)
def test_topology_of_four_vcpus(specified: dict[str, Any], topology: tuple[int, int, int]) -> None:
    """What is left out follows from the others."""
    assert Hardware(**specified).topology(4) == topology


@given(ANY, ANY, VCPUS)
def test_settled(current: Hardware, requested: Hardware, vcpus: int) -> None:
    """What is recorded has the same effect, has no defaults, and stays what it is."""
    hardware = current.overlaid(requested)
    if topology_problem(hardware, vcpus):
        assert topology_problem(hardware, vcpus).startswith(f'{vcpus} vCPUs are not ')
        return
    settled = hardware.settled(vcpus)
    assert settled.effective(vcpus) == hardware.effective(vcpus)
    assert settled.settled(vcpus) == settled
    assert settled.overlaid(requested).settled(vcpus) == settled
    assert hardware_from(settled.recorded()) == settled
    default = Hardware(settled.os_type).effective(vcpus)
    assert not [
        option
        for option, value in settled.specified().items()
        if value == getattr(default, option) and option not in ('os_type', *TOPOLOGY)
    ]
    assert None not in vars(settled.effective(vcpus)).values()


TOPOLOGY = ('sockets', 'cores', 'threads')


def test_options() -> None:
    """The module has the options of the model, in its order."""
    assert [*HARDWARE['options']] == [field.name for field in fields(Hardware)]


@pytest.mark.parametrize(
    ('specified', 'problem'),
    [
        ({'cores': 0}, 'hardware: cores: 0 is out of range; use 1 to 256'),
        ({'threads': 257}, 'hardware: threads: 257 is out of range; use 1 to 256'),
        ({'cpu_model': "x'/><y"}, 'hardware: cpu_model: "x\'/><y" is no name of a CPU model'),
        (
            {'cdroms': ('a', 'a')},
            "hardware: cdroms: ['a', 'a'] is not possible; name at most 2 images, each once",
        ),
        (
            {'cdroms': ('a', 'b', 'c')},
            "hardware: cdroms: ['a', 'b', 'c'] is not possible; name at most 2 images, each once",
        ),
        ({'boot_order': ()}, 'hardware: boot_order: [] is not possible; name each device once'),
    ],
)
def test_invalid(specified: dict[str, Any], problem: str) -> None:
    """It is refused whatever the host can do."""
    assert [str(one) for one in hardware_problems(Hardware(**specified))] == [problem]


def test_choices() -> None:
    """What the host cannot do is refused with what it can; other options are not limited."""
    hardware = Hardware(cpu_model='486', video='qxl')
    assert choice_problems(hardware, {'cpu_model': ('default', 'qemu64')}) == [
        'cpu_model: 486 is not possible on this host; use one of default, qemu64'
    ]


@pytest.mark.parametrize(
    ('hardware', 'choices', 'problem'),
    [
        (
            Hardware(firmware='efi'),
            {'firmware': ('bios',)},
            'firmware: efi is not possible on this host; use one of bios, or install ovmf on the '
            'host',
        ),
        (
            Hardware(tpm=True, firmware='bios'),
            {'tpm': ('false',), 'firmware': ('bios',)},
            'tpm: true is not possible on this host; use one of false, or install swtpm and '
            'swtpm-tools on the host',
        ),
    ],
)
def test_missing_packages(
    hardware: Hardware, choices: dict[str, tuple[str, ...]], problem: str
) -> None:
    """The host may get what it lacks."""
    assert choice_problems(hardware, choices) == [problem]


@pytest.mark.parametrize(
    'recorded',
    [
        '[]',
        'null',
        '{"os_type": "x"}',
        '{"colour": "red"}',
        '{"cpu_model": "a</model>"}',
        '{"boot_order": ["disk\'/>"]}',
        '{"cdroms": [1]}',
    ],
)
def test_damaged(recorded: str) -> None:
    """What we do not write is an error of a kind that callers expect."""
    with pytest.raises((TypeError, ValueError)):
        hardware_from(recorded)
