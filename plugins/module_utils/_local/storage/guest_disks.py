# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Partitions and file systems of guests: read and grown by the guest agent.

The scripts run in the guest, whose root can change what they print: it is parsed and bounded.
"""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from ..._cloud import CloudError, TimedOut
from ..._model import guest
from ..._model.guest_disk import NO_ANSWER, NO_PROGRAMS, NONSENSE, GuestDisk, guest_disk
from ..host.agent import Agent
from ..record.work import wait_until

_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
_MOST_OUTPUT = 2**16  # bytes
_PATIENCE = 30  # seconds: of a guest that has much to do, the agent answers late
_RETRY_SECONDS = 10.0  # a guest may notice later that its disk has grown
# Where a device is mounted, as a whole if it is so anywhere: TYPE and PLACE. The device number of
# btrfs is another one; the name of the root device may be /dev/root.
_MOUNTED = r"""
mounted() { # DEVICE DIRECTORY_IN_SYS
  wanted=$(cat "$2/dev")
  TYPE= PLACE=
  while read -r _ _ found root place _ rest; do
    rest=${rest#*- }
    type=${rest%% *}
    source=${rest#* }
    [ "$found" = "$wanted" ] || [ "${source%% *}" = "/dev/$1" ] || continue
    [ -z "$TYPE" ] || [ "$root" = / ] || continue
    TYPE=$type PLACE=$(printf '%b' "$place")
    [ "$root" != / ] || break
  done </proc/self/mountinfo
}
"""
_REPORT = (
    _MOUNTED
    + r"""
number() { od -An -tu4 -j"$2" -N4 "/dev/$1"; }
look() { # DEVICE DIRECTORY_IN_SYS
  for holder in "$2"/holders/*; do [ ! -e "$holder" ] || { echo "holder $1"; break; }; done
  mounted "$1" "$2"
  [ -n "$TYPE" ] || return 0
  echo "mount $1 $TYPE"
  case $TYPE in
    ext*) echo size "$1" $(number "$1" 1028) $(number "$1" 1048) $(number "$1" 1360) ;;
    xfs) echo size "$1" $(xfs_growfs -n "$PLACE" |
      sed -n 's/^data .*bsize=\([0-9]*\) *blocks=\([0-9]*\),.*/\1 \2/p') ;;
    btrfs) echo size "$1" $(btrfs filesystem show --raw "$PLACE" |
      sed -n 's/.*devid *\([0-9]*\) size \([0-9]*\) .*/\1 \2/p') ;;
  esac
}
exec 2>/dev/null
for tool in growpart sfdisk resize2fs xfs_growfs btrfs; do
  ! command -v $tool >/dev/null || echo "tool $tool"
done
for block in /sys/block/[sv]d*; do
  disk=${block##*/}
  serial=$(cat "$block/serial" || tail -c +5 "$block/device/vpd_pg80" | tr -d '\0\n ')
  [ "$serial" = "$1" ] || continue
  echo "disk $disk $(cat "$block/size")"
  echo table $(od -An -tx1 -j450 -N1 "/dev/$disk") $(od -An -tx1 -j510 -N2 "/dev/$disk" | tr -d ' ')
  echo used $(head -c 1048576 "/dev/$disk" | tr -d '\0' | wc -c)
  look "$disk" "$block"
  for part in "$block/$disk"*; do
    [ -e "$part/partition" ] || continue
    echo "part ${part##*/} $(cat "$part/partition") $(cat "$part/start") $(cat "$part/size")"
    look "${part##*/}" "$part"
  done
  break
done
exit 0
"""
)
# The disk is read again first: a guest with a SCSI disk does not notice by itself that it grew.
_GROW = (
    _MOUNTED
    + r"""
disk=$1 number=$2 device=$3
rescan=/sys/block/$disk/device/rescan
[ ! -e "$rescan" ] || echo 1 >"$rescan"
directory=/sys/class/block/$device
if [ -n "$number" ] && command -v growpart >/dev/null; then
  growpart "/dev/$disk" "$number" || [ $? = 1 ] || exit 1
elif [ -n "$number" ]; then
  echo ', +' | sfdisk --force --no-reread --no-tell-kernel -N "$number" "/dev/$disk" || exit 1
  partx --update --nr "$number" "/dev/$disk" || exit 1
fi
mounted "$device" "$directory"
case $TYPE in
  ext*) resize2fs "/dev/$device" ;;
  xfs) xfs_growfs -d "$PLACE" ;;
  btrfs) btrfs filesystem resize max "$PLACE" ;;
  *) echo "/dev/$device is no longer mounted"; exit 1 ;;
esac
"""
)


class _Ended(NamedTuple):
    code: int
    output: str


def look(domain: Any, serial: str, size: int) -> GuestDisk:
    """What a guest uses of a disk with this serial, which has ``size`` GB."""
    agent = _agent(domain)
    if agent.execute('guest-ping') is None:
        return NO_ANSWER
    pid = _started(agent, _REPORT, serial)
    if pid is None:
        return NO_PROGRAMS
    ended = _ended(domain, pid, _PATIENCE)
    if ended is None:
        return NO_ANSWER
    return guest_disk(ended.output, size) if ended.code == 0 else NONSENSE


def fill(domain: Any, serial: str, size: int, seconds: float) -> None:
    """Grow partition and file system, until they fill the disk.

    Raises CloudError if they do not within ``seconds``.
    """
    deadline = time.monotonic() + seconds
    found = NO_ANSWER

    def has_answered() -> bool:
        nonlocal found
        found = look(domain, serial, size)
        return found is not NO_ANSWER

    if not wait_until(has_answered, seconds):
        raise TimedOut(f'the disk has its new size, and not its file system: {found.refused}')
    said = ''

    def is_filled() -> bool:
        nonlocal found, said
        if not (found.filled or found.refused):
            said = _grown(domain, found, deadline - time.monotonic())
            found = look(domain, serial, size)
        return found.filled or bool(found.refused)

    wait_until(is_filled, min(seconds, _RETRY_SECONDS), 1.0)
    if not found.filled:
        reason = found.refused or said or 'the programs for it changed nothing'
        raise CloudError(f'its file system could not be grown in the guest: {reason}')


def _grown(domain: Any, disk: GuestDisk, seconds: float) -> str:
    """Grow what does not fill a disk; return what the guest said."""
    pid = _started(_agent(domain), _GROW, disk.disk, disk.number, disk.device)
    if pid is None:
        return NO_PROGRAMS.refused
    ended = _ended(domain, pid, max(1.0, seconds))
    if ended is None:
        return 'it has not ended in time (wait_timeout), and goes on; run the task again later'
    return guest.printable_line(ended.output)


def _agent(domain: Any) -> Agent:
    return Agent(domain, time.monotonic() + _PATIENCE, _PATIENCE)


def _started(agent: Agent, script: str, *words: str) -> int | None:
    """Start a script in the guest; return the number of its process."""
    started = agent.execute(
        'guest-exec',
        path='/bin/sh',
        arg=['-c', f'exec 2>&1\n{script}', 'sh', *words],
        env=[_PATH, 'LC_ALL=C'],
        **{'capture-output': True},
    )
    return guest.parse_number(started.get('pid') if isinstance(started, dict) else None)


def _ended(domain: Any, pid: int, seconds: float) -> _Ended | None:
    """How a program has ended; None if it did not in time, or the agent answers no more."""
    answer: object = None

    def has_ended() -> bool:
        nonlocal answer
        answer = _agent(domain).execute('guest-exec-status', pid=pid)
        return isinstance(answer, dict) and answer.get('exited') is not False

    if not wait_until(has_ended, seconds) or not isinstance(answer, dict):
        return None
    code = guest.parse_number(answer.get('exitcode'))
    output = guest.parse_content({'buf-b64': answer.get('out-data', '')}, _MOST_OUTPUT)
    if code is None or output is None:
        return None
    return _Ended(code, output.decode(errors='replace'))
