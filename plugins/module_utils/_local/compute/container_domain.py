# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The libvirt-LXC domain of a server, rendered as XML from validated values."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Tuple

from ..host.user_namespace import IDS

if TYPE_CHECKING:
    from ..._model.application import Application

PERIOD = 100_000  # microseconds of CPU time that quotas are of


@dataclass(frozen=True)
class Address:
    """A NIC: its device on the host, its bridge, and its address, if the host gives it one.

    ``gateway``: of the default route; empty: it has none.
    """

    device: str
    mac: str
    bridge: str
    address: str = ''
    prefix: int = 0
    gateway: str = ''


@dataclass(frozen=True)
class Container:
    """The values of a domain. ``memory``, ``swap`` in MiB. ``first_id``: on the host, of its root.

    ``is_console_read``: the host reads what it prints (see container_console.py).
    ``application``: what it runs; None: its init.
    """

    name: str
    uuid: str
    memory: int
    vcpus: int
    root: str
    first_id: int
    interfaces: Tuple[Address, ...]
    is_console_read: bool
    application: Application | None = None
    swap: int = 0
    metadata: str = ''  # an XML element in its own namespace
    volumes: Tuple[Tuple[str, str], ...] = ()  # folders of the host, and where they are mounted


_READ = '<init>/sbin/init</init>'
# libvirt requires a console. A container that printed more than fits into the terminal would wait
# for ever where nobody reads that. The mount is one of the container.
_UNREAD = """mount --bind /dev/null /dev/console; exec /sbin/init </dev/null >/dev/null 2>&1"""
_XML = """<domain type='lxc'><name>{name}</name><uuid>{uuid}</uuid><metadata>{metadata}</metadata>
<memory unit='MiB'>{memory}</memory><vcpu>{vcpus}</vcpu>
<memtune><hard_limit unit='MiB'>{memory}</hard_limit>
<swap_hard_limit unit='MiB'>{most}</swap_hard_limit></memtune>
<cputune><period>{period}</period><quota>{quota}</quota></cputune>
<os><type>exe</type>{init}</os>
<idmap><uid start='0' target='{first}' count='{ids}'/>
<gid start='0' target='{first}' count='{ids}'/></idmap>
<on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>destroy</on_crash>
<devices><emulator>/usr/lib/libvirt/libvirt_lxc</emulator>
<filesystem type='mount' accessmode='passthrough'><source dir='{root}'/><target dir='/'/>
</filesystem>{volumes}{interfaces}<console type='pty'/></devices></domain>"""


def xml(container: Container) -> str:
    """The complete domain."""
    interfaces = (
        _interface_xml(index, interface) for index, interface in enumerate(container.interfaces)
    )
    return _XML.format(
        name=escape(container.name),
        uuid=escape(container.uuid),
        metadata=container.metadata,
        memory=container.memory,
        most=container.memory + container.swap,
        vcpus=container.vcpus,
        period=PERIOD,
        quota=quota_of(container.vcpus),
        init=_init(container),
        root=escape(container.root),
        first=container.first_id,
        ids=IDS,
        interfaces=''.join(interfaces),
        volumes=''.join(_volume_xml(*volume) for volume in container.volumes),
    )


def _volume_xml(source: str, target: str) -> str:
    return (
        "<filesystem type='mount' accessmode='passthrough'>"
        f"<source dir='{escape(source)}'/><target dir='{escape(target)}'/></filesystem>"
    )


def _init(container: Container) -> str:
    if container.application:
        return _application(container.application)
    return _READ if container.is_console_read else _unread()


def _application(application: Application) -> str:
    """A plus sign tells libvirt that it is a number, which it looks up nowhere."""
    program, *arguments = map(escape, application.command)
    variables = (
        f"<initenv name='{escape(name)}'>{escape(value)}</initenv>"
        for name, value in application.environment.items()
    )
    return (
        f'<init>{program}</init>{"".join(f"<initarg>{word}</initarg>" for word in arguments)}'
        f'{"".join(variables)}<initdir>{escape(application.working_dir)}</initdir>'
        f'<inituser>+{application.user}</inituser><initgroup>+{application.group}</initgroup>'
    )


def _unread() -> str:
    arguments = ''.join(f'<initarg>{escape(word)}</initarg>' for word in ('-c', _UNREAD))
    return f'<init>/bin/sh</init>{arguments}'


def quota_of(vcpus: int) -> int:
    """The CPU time of so many vCPUs in a period, in microseconds."""
    return vcpus * PERIOD


def _interface_xml(index: int, interface: Address) -> str:
    address = route = ''
    if interface.address:
        address = (
            f"<ip address='{escape(interface.address)}' family='ipv4' prefix='{interface.prefix}'/>"
        )
    if interface.gateway:
        route = (
            "<route family='ipv4' address='0.0.0.0' prefix='0' "
            f"gateway='{escape(interface.gateway)}'/>"
        )
    return (
        f"<interface type='bridge'><mac address='{escape(interface.mac)}'/>"
        f"<source bridge='{escape(interface.bridge)}'/><target dev='{interface.device}'/>"
        f"<guest dev='eth{index}'/>{address}{route}<link state='up'/></interface>"
    )
