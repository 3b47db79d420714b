# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a bare loop over libvirt costs: the peer of the module server.

bare.py learn FILE      keep the definitions of the servers that there are now: domain, size of the
disk and its image, content of the seed bare.py create FILE     make all of them again: disk by
qemu-img, seed by genisoimage, domain by libvirt; nothing is looked at, recorded or locked bare.py
delete FILE     remove all of them

It knows nothing of networks, rules and addresses: the interfaces stand on a bridge that is there.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from xml.etree import ElementTree

import libvirt

THREADS = 8  # as many as the collection has
SEED = ('meta-data', 'user-data', 'vendor-data', 'network-config')
mine = threading.local()


def connection() -> Any:
    """Open a connection for each thread: one runs five calls at once."""
    if not hasattr(mine, 'connection'):
        mine.connection = libvirt.open('qemu:///system')
    return mine.connection


def printed(*words: str) -> str:
    """Run a program; what it printed."""
    return subprocess.run(words, capture_output=True, check=True, text=True).stdout


def definition(domain: Any) -> dict[str, Any]:
    """All that is needed to make a server again."""
    xml = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    disk, seed = (
        source.attrib['file']
        for source in ElementTree.fromstring(xml).findall('devices/disk/source')
    )
    info = json.loads(printed('qemu-img', 'info', '-U', '--output=json', disk))
    texts = {name: printed('isoinfo', '-J', '-i', seed, '-x', f'/{name}') for name in SEED}
    return {
        'xml': xml,
        'uuid': domain.UUIDString(),
        'disk': disk,
        'size': info['virtual-size'],
        'image': info['backing-filename'],
        'seed': texts,
    }


def create(server: dict[str, Any]) -> None:
    """Make and start one server."""
    folder = os.path.dirname(server['disk'])
    os.makedirs(folder, 0o711)
    options = 'cluster_size=1M,extended_l2=on'
    printed(
        'qemu-img',
        'create',
        '-q',
        '-f',
        'qcow2',
        '-o',
        options,
        '-b',
        server['image'],
        '-F',
        'qcow2',
        server['disk'],
        str(server['size']),
    )
    files = [os.path.join(folder, name) for name in server['seed']]
    for file, text in zip(files, server['seed'].values(), strict=True):
        with open(file, 'w', encoding='utf-8') as stream:
            stream.write(text)
    printed(
        'genisoimage',
        '-quiet',
        '-V',
        'cidata',
        '-J',
        '-r',
        '-o',
        os.path.join(folder, 'seed.iso'),
        *files,
    )
    connection().defineXML(server['xml']).create()


def delete(server: dict[str, Any]) -> None:
    """Remove one server."""
    domain = connection().lookupByUUIDString(server['uuid'])
    domain.destroy()
    domain.undefine()
    shutil.rmtree(os.path.dirname(server['disk']))


def main(verb: str, path: str) -> None:
    """Do it for all servers."""
    if verb == 'learn':
        with open(path, 'w', encoding='utf-8') as file:
            json.dump([definition(domain) for domain in connection().listAllDomains()], file)
        return
    with open(path, encoding='utf-8') as file:
        servers = json.load(file)
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map({'create': create, 'delete': delete}[verb], servers))


if __name__ == '__main__':
    main(*sys.argv[1:])
