# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The cost of a bare loop over libvirt, with which the module server is compared.

bare.py learn FILE URI      save the definitions of the existing servers: domain, size and image of
                            the disk, content of the seed
bare.py create FILE URI     create all of them again: disk by qemu-img, seed by genisoimage, domain
                            by libvirt; nothing is observed, recorded or locked
bare.py delete FILE URI     delete all of them

With the URI of LXC, servers are containers: their files are unpacked by tar, and get their owners.
It knows nothing of networks, rules and addresses: the interfaces are on an existing bridge.
"""

from __future__ import annotations

import glob
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

THREADS = 8  # as many as the collection uses
URI = sys.argv[3]
SEED = ('meta-data', 'user-data', 'vendor-data', 'network-config')
SEED_OF_CONTAINER = 'var/lib/cloud/seed/nocloud'
thread_local = threading.local()


def connection() -> Any:
    """Return a connection for each thread: one connection runs five calls at once."""
    if not hasattr(thread_local, 'connection'):
        thread_local.connection = libvirt.open(URI)
    return thread_local.connection


def output_of(*words: str) -> str:
    """Run a program; return its output."""
    return subprocess.run(words, capture_output=True, check=True, text=True).stdout


def definition(domain: Any) -> dict[str, Any]:
    """Everything that is needed to create a server again."""
    xml = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    disk, seed = (
        source.attrib['file']
        for source in ElementTree.fromstring(xml).findall('devices/disk/source')
    )
    info = json.loads(output_of('qemu-img', 'info', '-U', '--output=json', disk))
    texts = {name: output_of('isoinfo', '-J', '-i', seed, '-x', f'/{name}') for name in SEED}
    return {
        'xml': xml,
        'uuid': domain.UUIDString(),
        'disk': disk,
        'size': info['virtual-size'],
        'image': info['backing-filename'],
        'seed': texts,
    }


def definition_of_container(domain: Any) -> dict[str, Any]:
    """Everything that is needed to create a container again."""
    xml = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    tree = ElementTree.fromstring(xml)
    disk = tree.find('devices/filesystem/source').attrib['dir']
    (image,) = glob.glob('/var/lib/hanok/images/*.tar')
    texts = {}
    for path in glob.glob(f'{disk}/{SEED_OF_CONTAINER}/*'):
        with open(path, encoding='utf-8') as file:
            texts[os.path.relpath(path, disk)] = file.read()
    return {
        'xml': xml,
        'uuid': domain.UUIDString(),
        'disk': disk,
        'image': image,
        'owner': int(tree.find('idmap/uid').attrib['target']),
        'seed': texts,
    }


def create_container(server: dict[str, Any]) -> None:
    """Create and start one container."""
    disk, owner = server['disk'], server['owner']
    os.makedirs(disk, 0o711)
    output_of('tar', '-x', '-p', '--exclude=./dev/*', '-f', server['image'], '-C', disk)
    for path, text in server['seed'].items():
        os.makedirs(os.path.dirname(os.path.join(disk, path)), exist_ok=True)
        with open(os.path.join(disk, path), 'w', encoding='utf-8') as file:
            file.write(text)
    output_of('chown', '-R', '-h', f'{owner}:{owner}', disk)  # all are of root
    connection().defineXML(server['xml']).create()


def create(server: dict[str, Any]) -> None:
    """Create and start one server."""
    folder = os.path.dirname(server['disk'])
    os.makedirs(folder, 0o711)
    options = 'cluster_size=1M,extended_l2=on'
    output_of(
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
    output_of(
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
    """Delete one server."""
    domain = connection().lookupByUUIDString(server['uuid'])
    domain.destroy()
    domain.undefine()
    shutil.rmtree(os.path.dirname(server['disk']))


def main(verb: str, path: str, uri: str) -> None:
    """Run a verb for all servers."""
    learn, make = definition, create
    if uri.startswith('lxc:'):
        learn, make = definition_of_container, create_container
    if verb == 'learn':
        with open(path, 'w', encoding='utf-8') as file:
            json.dump([learn(domain) for domain in connection().listAllDomains()], file)
        return
    with open(path, encoding='utf-8') as file:
        servers = json.load(file)
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map({'create': make, 'delete': delete}[verb], servers))


if __name__ == '__main__':
    main(*sys.argv[1:])
