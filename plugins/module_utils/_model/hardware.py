# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The hardware of servers, apart from the number of vCPUs and the memory."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Dict, Tuple

_LISTS = ('boot_order', 'cdroms')
TOPOLOGY = ('sockets', 'cores', 'threads')
_WORD = re.compile(r'[A-Za-z0-9_.-]{1,64}\Z')  # inserted into the definitions of machines


@dataclass(frozen=True)
class Hardware:
    """What is specified of the hardware of a server. None: as its os_type has it by default.

    That of a server (``settled``) has none of the defaults, and all of the topology or nothing.
    """

    os_type: str | None = None
    sockets: int | None = None
    cores: int | None = None
    threads: int | None = None
    cpu_model: str | None = None
    disk_bus: str | None = None
    nic_model: str | None = None
    video: str | None = None
    boot_order: Tuple[str, ...] | None = None
    firmware: str | None = None
    secure_boot: bool | None = None
    tpm: bool | None = None
    cdroms: Tuple[str, ...] | None = None

    def specified(self) -> Dict[str, Any]:
        """The options that are not as by default."""
        return {option: value for option, value in vars(self).items() if value is not None}

    def task_form(self) -> Dict[str, Any]:
        """The hardware as a task specifies it."""
        return self.specified()

    def overlaid(self, other: Hardware) -> Hardware:
        """This with what is specified of another one; of a topology none of this remains."""
        options = {**vars(self), **other.specified()}
        if not {*other.specified()}.isdisjoint(TOPOLOGY):
            options.update((option, getattr(other, option)) for option in TOPOLOGY)
        return Hardware(**options)

    def topology(self, vcpus: int) -> Tuple[int, int, int]:
        """Sockets, cores and threads; what is left out follows from the number of vCPUs."""
        sockets, cores, threads = self._fixed_topology()
        rest = vcpus // ((sockets or 1) * (cores or 1) * (threads or 1))
        return sockets or rest, cores or rest, threads or rest

    def _fixed_topology(self) -> Tuple[int | None, int | None, int | None]:
        """Sockets, cores and threads; None: the one that follows from the number of vCPUs."""
        sockets, cores, threads = self.sockets, self.cores, self.threads
        if sockets is None and cores is None:
            return (None, 1, 1) if threads is None else (1, None, threads)
        if threads is None and None in (sockets, cores):
            return sockets, cores, 1
        return sockets, cores, threads

    def settled(self, vcpus: int) -> Hardware:
        """The same without what is so by default, as it is recorded."""
        default = self._default()
        found = {
            option: value
            for option, value in self.specified().items()
            if value != getattr(default, option) or (option, value) == ('os_type', default.os_type)
        }
        if found.get('os_type') == 'linux':
            del found['os_type']
        topology: Tuple[int | None, ...] = self.topology(vcpus)
        if topology == (vcpus, 1, 1):
            topology = (None, None, None)
        return Hardware(**{**found, **dict(zip(TOPOLOGY, topology))})

    def effective(self, vcpus: int) -> Hardware:
        """The same with all defaults."""
        topology = dict(zip(TOPOLOGY, self.topology(vcpus)))
        return Hardware(**{**vars(self._default()), **self.specified(), **topology})

    @property
    def bus(self) -> str:
        """The bus of the disks."""
        return self.disk_bus or self._default().disk_bus or ''

    def shown(self, vcpus: int) -> Dict[str, Any]:
        """The effective hardware for the result of a module."""
        effective = vars(self.effective(vcpus))
        return {**effective, **{option: list(effective[option]) for option in _LISTS}}

    def recorded(self) -> str:
        """The hardware as JSON."""
        return json.dumps(self.specified())

    def _default(self) -> Hardware:
        return DEFAULTS[self.os_type or 'linux']


DEFAULT = Hardware()


def hardware_from(recorded: str) -> Hardware:
    """The hardware in JSON. Raises ValueError, TypeError if it is not the form of one."""
    if recorded == '{}':
        return DEFAULT
    options = json.loads(recorded)
    for option in _LISTS:
        if option in options:
            options[option] = tuple(options[option])
    hardware = Hardware(**options)
    if (hardware.os_type or 'linux') not in DEFAULTS:
        raise ValueError(f'unknown os_type {hardware.os_type}')
    for word in _words(options):
        if not _WORD.match(word):
            raise ValueError(f'{word!r} is no word')
    return hardware


def _words(options: Mapping[str, Any]) -> Iterator[str]:
    for option, value in options.items():
        if isinstance(value, str):
            yield value
        elif option in _LISTS:
            yield from value


_LINUX = Hardware(
    'linux',
    cpu_model='default',
    disk_bus='virtio',
    nic_model='virtio',
    video='vga',
    boot_order=('disk',),
    firmware='bios',
    secure_boot=False,
    tpm=False,
    cdroms=(),
)
# What guests can drive as they are installed: Windows needs drivers for virtio.
DEFAULTS = {
    'linux': _LINUX,
    'windows': replace(_LINUX, os_type='windows', disk_bus='sata', nic_model='e1000e'),
    'other': replace(_LINUX, os_type='other', disk_bus='sata', nic_model='rtl8139'),
}
