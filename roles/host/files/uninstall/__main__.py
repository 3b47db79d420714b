# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Take off this host what the role and the modules of hanok.cloud have brought.

    python3 FOLDER check|run [UUID...]

UUIDs: of resources that would be deleted before.
Prints {"changes": [...], "notes": [...], "problems": [...]}; with problems nothing is changed. What
is there is looked at first, and each change may be done twice: after an interruption the next run
goes on. The record and the settings go last.
"""

from __future__ import annotations

import glob
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence

import network
import system
from host import DELETED, NOTES, STATE, URIS, Change, output, text_of

# Of the domains that libvirt has defined, and of those that run.
DOMAINS = [
    f'{place}/libvirt/{kind}/*.xml' for place in ('/etc', '/run') for kind in ('qemu', 'lxc')
]
UUID = re.compile('<uuid>([0-9a-f-]{36})</uuid>')


def problems() -> Iterator[str]:
    """Return why nothing can be taken off."""
    found = [text_of(path) for pattern in DOMAINS for path in sorted(glob.glob(pattern))]
    uuids = {uuid for text in found if 'hanok.cloud/xmlns' in text for uuid in UUID.findall(text)}
    others = recorded()
    left = sorted(uuids - others - DELETED)
    if left:
        yield (
            f'libvirt has servers or load balancers that are not on record: {", ".join(left)}; '
            'run the playbook hanok.cloud.recover, which takes them over, or remove them with virsh'
        )
    if others - DELETED:
        yield (
            'the record has resources of projects of which you are no admin: '
            f'{", ".join(sorted(others - DELETED))}; ask one of host_admins'
        )
    if network.networks() and not output('virsh', '--connect', URIS[0], 'uri'):
        yield 'libvirt does not answer; run the role with host_state: present, which starts it'


def recorded() -> set[str]:
    """Return the resources in the export of the record that may not be lost unintentionally."""
    try:
        export = json.loads(text_of(f'{STATE}/hanok.json'))
        return {
            row['uuid']
            for table in ('server', 'balancer', 'volume', 'image')
            for row in export[table]
            if not row.get('bootable')
        }
    except (ValueError, KeyError, TypeError):
        return set()


STEPS = (
    system.units,
    system.guests,
    network.bridges,
    network.tables,
    network.devices,
    network.firewalls,
    system.files,
    network.forwarding,
    system.state,
    system.daemons,
    system.packages,
    system.config,
)


def apply(changes: Sequence[Change]) -> None:
    """Make the changes; one that fails ends the run, so that the record of what is left stays."""
    for change in changes:
        try:
            change.apply()
        except (OSError, subprocess.CalledProcessError) as error:
            raise SystemExit(f'{change.text}: {error}; see why, then run the role again') from error


def main(word: str, *deleted: str) -> None:
    """Take it off, or say what would be taken off."""
    DELETED.update(deleted)
    refused = list(problems())
    changes = [] if refused else [change for step in STEPS for change in step()]
    if word == 'run':
        apply(changes)
    texts = [change.text for change in changes]
    print(json.dumps({'changes': texts, 'notes': NOTES, 'problems': refused}))


if __name__ == '__main__':
    main(*sys.argv[1:])
