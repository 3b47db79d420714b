# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The libvirt-LXC container of a balancer: its view of the host, its users and capabilities.

It has its own root: the programs and libraries in the host's /usr, an /etc with two accounts, and
its folder with what HAProxy needs. Its two users are mapped to users of the host that nothing else
has: what belongs to root of the host is not theirs, also where it is writable. They can write only
to the folders in `WRITABLE`. The host never writes there, and opens files there without following
links.
"""

from __future__ import annotations

import contextlib
import glob
import os
import pwd
import signal
import socket
import stat
from dataclasses import dataclass
from html import escape
from typing import Dict, List, NamedTuple

from ..._model.needs import BALANCER_MEMORY
from ..host.files import write_atomically

RUN = 'run'  # in the folder of a balancer: HAProxy's sockets
SERVICES = 'services'  # what s6 runs
CONTROL = os.path.join(SERVICES, 'haproxy', 'supervise', 'control')  # the FIFO of s6-supervise
WRITABLE = (
    RUN,
    os.path.join(SERVICES, '.s6-svscan'),
    os.path.join(SERVICES, 'haproxy', 'event'),
    os.path.join(SERVICES, 'haproxy', 'supervise'),
)
_ROOT = 'root'
_OLD_ROOT = '.oldroot'  # where libvirt has the host's root until the container has its own
_FOLDERS = ('dev', 'etc', 'home', 'proc', 'root', 'run', 'sys', 'tmp', 'usr', 'var/empty')
_PROGRAMS = ('bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32')  # in /usr, which / links to

# The first of the IDs of the containers' users; those from there to 0x7fffffff are not in the
# default ranges of subordinate IDs, systemd-nspawn and sssd. Each container has two.
_IDS = 0x78000000
_CONTAINERS = 0x04000000

# To bind ports below 1024, change to its own user, chroot, and kill a worker of another user.
_CAPABILITIES = ('kill', 'net_bind_service', 'setgid', 'setuid', 'sys_chroot')

_XML = """<domain type='lxc'><name>{name}</name><uuid>{uuid}</uuid><metadata>{metadata}</metadata>
<memory unit='MiB'>{memory}</memory><vcpu>1</vcpu>
<os><type>exe</type><init>/usr/bin/s6-svscan</init><initarg>{services}</initarg></os>
<idmap>{users}</idmap><features><capabilities policy='deny'>{capabilities}</capabilities></features>
<on_reboot>restart</on_reboot><on_crash>restart</on_crash>
<devices><emulator>/usr/lib/libvirt/libvirt_lxc</emulator>{mounts}
<interface type='bridge'><mac address='{mac}'/><source bridge='{bridge}'/><target dev='{device}'/>
<ip address='{address}' family='ipv4' prefix='{prefix}'/>
<route family='ipv4' address='0.0.0.0' prefix='0' gateway='{gateway}'/></interface>
<console type='pty'/></devices></domain>"""

_MOUNT = """<filesystem type='mount' accessmode='passthrough'><source dir='{source}'/>
<target dir='{target}'/>{readonly}</filesystem>"""


@dataclass(frozen=True)
class Container:
    """A container: its folder, its network interface, and its metadata (XML)."""

    name: str
    uuid: str
    folder: str
    metadata: str
    mac: str
    bridge: str
    device: str
    address: str
    prefix: int
    gateway: str


def xml(container: Container) -> str:
    """The definition of a container."""
    folder = container.folder
    capabilities = [f"<{name} state='on'/>" for name in _CAPABILITIES]
    mounts = [_mount_xml(mount) for mount in _mounts(folder)]
    values = {name: escape(str(value)) for name, value in vars(container).items()}
    values['metadata'] = container.metadata
    values['memory'] = str(BALANCER_MEMORY)
    values['services'] = escape(os.path.join(folder, SERVICES))
    values['capabilities'] = ''.join(capabilities)
    values['mounts'] = ''.join(mounts)
    values['users'] = _users_xml(root_of(container.uuid))
    return _XML.format(**values)


class Mount(NamedTuple):
    """A folder or file of the host in a container."""

    source: str
    target: str
    writable: bool = False


def _mounts(folder: str) -> List[Mount]:
    """The mounts of a container; each comes before those inside it."""
    mounts = [
        # Nothing in it is writable for the users. libvirt could not make it read-only where the
        # file system of the host is mounted with nosuid or nodev.
        Mount(os.path.join(folder, _ROOT), '/', writable=True),
        *(Mount(program, program) for program in _programs()),
        Mount(folder, folder),
    ]
    for name in WRITABLE:
        path = os.path.join(folder, name)
        mounts.append(Mount(path, path, writable=True))
    return mounts


def _programs() -> List[str]:
    """The host's folders of programs and libraries.

    Not all of /usr: with mapped users, the kernel mounts no folder in which another file system is
    mounted, as /usr/local may be (mount_namespaces(7), "Restrictions on mount namespaces").
    """
    return [f'/usr/{name}' for name in _PROGRAMS if os.path.isdir(f'/usr/{name}')]


def root_of(uuid: str) -> int:
    """The UID and GID on the host of root of a container; its haproxy has the next ones."""
    return _IDS + 2 * (int(uuid.replace('-', ''), 16) % _CONTAINERS)


def _users_xml(mapped: int) -> str:
    user = pwd.getpwnam('haproxy')
    one = "<{kind} start='{start}' target='{target}' count='1'/>"
    found = []
    for kind, start in (('uid', user.pw_uid), ('gid', user.pw_gid)):
        found.append(one.format(kind=kind, start=0, target=mapped))
        found.append(one.format(kind=kind, start=start, target=mapped + 1))
    return ''.join(found)


def _mount_xml(mount: Mount) -> str:
    readonly = '' if mount.writable else '<readonly/>'
    return _MOUNT.format(
        source=escape(mount.source),
        target=escape(mount.target),
        readonly=readonly,
    )


def create_root(folder: str) -> None:
    """Create the root of the container of this folder; what exists already stays."""
    root = os.path.join(folder, _ROOT)
    programs = [program.lstrip('/') for program in _programs()]
    for name in (_OLD_ROOT, *_FOLDERS, *programs, folder.lstrip('/')):
        path = os.path.join(root, name)
        os.makedirs(path, 0o755, exist_ok=True)
    for name in _PROGRAMS:
        program = f'/{name}'
        link = os.path.join(root, name)
        if os.path.islink(program) and not os.path.islink(link):
            os.symlink(os.readlink(program), link)
    for name, text in _accounts().items():
        path = os.path.join(root, 'etc', name)
        write_atomically(path, text, 0o644)
        os.chmod(path, 0o644)


def _accounts() -> Dict[str, str]:
    user = pwd.getpwnam('haproxy')
    nobody = '/nonexistent:/usr/sbin/nologin'
    return {
        'passwd': f'root:x:0:0::{nobody}\nhaproxy:x:{user.pw_uid}:{user.pw_gid}::{nobody}\n',
        'group': f'root:x:0:\nhaproxy:x:{user.pw_gid}:\n',
    }


def kill_orphans(uuid: str) -> None:
    """Kill what a stopped container left running, beginning with what restarts others."""
    for program in ('s6-svscan', 's6-supervise', 'haproxy'):
        for path in glob.glob('/proc/[0-9]*'):
            with contextlib.suppress(OSError):  # it has ended
                if _is_of(path, program, uuid):
                    pid = int(os.path.basename(path))
                    os.kill(pid, signal.SIGKILL)


def _is_of(path: str, program: str, uuid: str) -> bool:
    executable = os.readlink(os.path.join(path, 'exe'))
    if os.path.basename(executable) != program:
        return False
    with open(os.path.join(path, 'cmdline'), encoding='utf-8', errors='replace') as file:
        command_line = file.read(65536)
    folder = os.readlink(os.path.join(path, 'cwd'))
    return f'/{uuid}/' in f'{command_line}{folder}/'


def send_control(folder: str, command: bytes) -> None:
    """Send a command to s6-supervise (s6-svc would follow a link placed by the container)."""
    flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
    path = os.path.join(folder, CONTROL)
    control = os.open(path, flags)
    try:
        mode = os.fstat(control).st_mode
        if not stat.S_ISFIFO(mode):
            raise OSError(f'{path} is not a FIFO')
        os.write(control, command)
    finally:
        os.close(control)


def connect(stream: socket.socket, path: str) -> None:
    """Connect to a socket of the container without following links."""
    descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISSOCK(mode):
            raise OSError(f'{path} is not a socket')
        stream.connect(f'/proc/self/fd/{descriptor}')
    finally:
        os.close(descriptor)
