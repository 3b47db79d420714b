# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What changing an option does to a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Tuple

from .effect import FIXED, LIVE, RESTART, Classify, Effect, Table, fixed, live
from .kinds import Verb
from .server import Nic, Server
from .server_type import VM
from .status import Status
from .user_data import UserDataHash

if TYPE_CHECKING:
    from .hardware import Hardware

_UNPAUSE_FIRST = 'start it (state: started) or power it off (state: stopped, force: true) first'


def _hashed(recorded: str, why: str) -> Classify:
    def classify(before: str | None, after: str | None, current: Server) -> Effect:
        if isinstance(after, UserDataHash) and after.supersedes(before):
            return Effect(LIVE, recorded)
        return Effect(FIXED, why)

    return classify


def _flavor(before: str | None, after: str | None, current: Server) -> Effect:
    why = f'flavor changes from {before or "none"} to {after or "none"}'
    # The size of vcpus and memory has effects of its own, without a flavor or with room.
    needs_resize = before and not has_room(current) and current.type == VM
    return _resize(why, current) if needs_resize else Effect(LIVE, why)


def _amount(option: str, unit: str) -> Classify:
    def classify(before: int, after: int, current: Server) -> Effect:
        why = f'{option} changes from {before} to {after}{unit}'
        if current.type != VM or is_within(option, after, current):
            return Effect(LIVE, why)
        if current.flavor and not has_room(current):
            return Effect(LIVE)  # it follows from the flavor
        return _resize(why, current)

    return classify


def has_room(current: Server) -> bool:
    """Whether the machine of a server can get more while it runs, and does so."""
    has_any = current.max_vcpus is not None or current.max_memory is not None
    return has_any and current.settled_status == Status.ACTIVE


def is_within(option: str, amount: int, current: Server) -> bool:
    """Whether a running machine can get so many vCPUs, or so much memory.

    Guests do not reliably give vCPUs back; memory they do (balloon).
    """
    most = getattr(current, f'max_{option}')
    if most is None or not has_room(current):
        return False
    return bool(amount <= most and (option == 'memory' or amount >= current.vcpus))


def _resize(why: str, current: Server) -> Effect:
    if not _allows_resize(current):
        return Effect(FIXED, _not_now(current, 'resized'))
    return _needs_stop(why, current)


def _guest_agent(before: bool, after: bool, current: Server) -> Effect:
    if not _allows_resize(current):
        return Effect(FIXED, _not_now(current, 'changed'))
    what = 'added' if after else 'removed'
    return _needs_stop(f'the channel of the guest agent is {what}', current)


def _hardware(before: Hardware, after: Hardware, current: Server) -> Effect:
    from .hardware_changes import are_other_discs, changes

    why = changes(before, after, current.most_vcpus)
    if are_other_discs(before, after):
        return Effect(LIVE, why)
    return (
        _needs_stop(why, current)
        if _allows_resize(current)
        else Effect(FIXED, _not_now(current, 'changed'))
    )


def _allows_resize(current: Server) -> bool:
    from .lifecycle import is_allowed

    return is_allowed('server', current.settled_status, Verb.RESIZE)


def _not_now(current: Server, changed: str) -> str:
    from .lifecycle import refusal

    if current.settled_status == Status.PAUSED:
        return f'a paused server cannot be {changed}; {_UNPAUSE_FIRST}'
    return refusal('server', current.name, current.settled_status, Verb.RESIZE)


def _needs_stop(why: str, current: Server) -> Effect:
    if current.settled_status == Status.SHUTOFF:
        return Effect(LIVE, why)
    return Effect(RESTART, f'{why}, which requires a restart')


def _volume_size(before: int, after: int, current: Server) -> Effect:
    if not before and current.type != VM:
        return Effect(
            FIXED,
            'nothing limits its files, and a limit comes with a new file system; omit it, create '
            'another server of an image of this one (module image: server), or set on_drift: '
            'recreate, by which its files are lost',
        )
    if after < before:
        return Effect(FIXED, 'a disk cannot shrink; omit the option, or create a new server')
    return Effect(LIVE)


def _networks(before: Tuple[Nic, ...], after: Tuple[Nic, ...], current: Server) -> Effect:
    staying = {(nic.place, nic.mac) for nic in after}
    is_removed = any((nic.place, nic.mac) not in staying for nic in before)
    is_restart = current.type != VM
    if (is_removed or is_restart) and current.settled_status == Status.PAUSED:
        return Effect(FIXED, f'a paused guest releases no interface; {_UNPAUSE_FIRST}')
    if is_restart:
        return _needs_stop('the network interfaces of a container change', current)
    return Effect(LIVE)


# The fixed options that take effect with a new root disk.
OF_ROOT_DISK = (
    'image',
    'key_names',
    'user_data',
    'init_script',
    'root_password',
    'volume_size',
)
TABLE: Table = {
    'type': fixed('a server keeps its type; delete and re-create it'),
    'flavor': _flavor,
    'vcpus': _amount('vcpus', ''),
    'memory': _amount('memory', ' MiB'),
    'image': fixed('a server keeps the disk that it was created with; delete and re-create it'),
    'key_names': fixed(
        'keys are installed only at the first boot; delete and re-create the server'
    ),
    'user_data': _hashed(
        'its user_data is now recorded as a keyed hash',
        'first-boot content runs only at the first boot; delete and re-create the server',
    ),
    'root_password': _hashed(
        'its root_password is now recorded as a keyed hash',
        'it is set before the first boot; change it inside, or set on_drift: recreate',
    ),
    'init_script': fixed(
        'an init script runs only at the first boot; delete and re-create the server'
    ),
    'networks': _networks,
    'volume_size': _volume_size,
    'security_groups': live,
    'floating_ip': live,
    'delete_protection': live,
    'guest_agent': _guest_agent,
    'on_crash': live,
    'start_order': live,
    'start_delay': live,
    'swap': live,
    'dns_servers': live,
    'dns_domain': live,
    'hardware': _hardware,
    'description': live,
    'labels': live,
}
