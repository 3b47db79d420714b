# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans of resources other than servers, and the messages of their refusals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._local.catalogue.flavor_catalogue import (
    CATALOGUE,
)
from ansible_collections.hanok.cloud.plugins.module_utils._local.compute.server_status import (
    status_of,
)
from ansible_collections.hanok.cloud.plugins.module_utils._local.profile import PROFILE
from ansible_collections.hanok.cloud.plugins.module_utils._model.backup import Backup
from ansible_collections.hanok.cloud.plugins.module_utils._model.backup_volume import VolumeCopy
from ansible_collections.hanok.cloud.plugins.module_utils._model.change import Plan
from ansible_collections.hanok.cloud.plugins.module_utils._model.effect import (
    COMPLETES_INTERRUPTED_RUN,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.flavor import (
    Flavor,
    FlavorRequest,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.floating_ip import (
    FixedIp,
    FloatingIp,
    FloatingIpRequest,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.guest_disk import (
    NO_ANSWER,
    GuestDisk,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.image import Image, ImageRequest
from ansible_collections.hanok.cloud.plugins.module_utils._model.keypair import (
    KeyFile,
    Keypair,
    KeypairRequest,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.lb import (
    HealthCheck,
    Lb,
    LbRequest,
    Listener,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.network import (
    Network,
    NetworkRequest,
    candidates,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.rule import Rule
from ansible_collections.hanok.cloud.plugins.module_utils._model.security_group import (
    SecurityGroup,
    SecurityGroupRequest,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.server import Nic, Server
from ansible_collections.hanok.cloud.plugins.module_utils._model.status import (
    TaskState,
    VolumeStatus,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.volume import Volume
from ansible_collections.hanok.cloud.plugins.module_utils._model.volume_request import VolumeRequest
from ansible_collections.hanok.cloud.plugins.module_utils._model.volume_type import VolumeType
from ansible_collections.hanok.cloud.plugins.module_utils._plan import (
    flavor,
    floating_ip,
    image,
    keypair,
    lb,
    network,
    security_group,
    volume,
)

ED25519 = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f'
OTHER_ED25519 = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB8eHRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgEA'
LISTENERS = (Listener(80),)
NETWORKS = {'default': Network('default', '192.168.0.0/24', '192.168.0.1')}
SHA256 = 'sha256:' + '0' * 64
NOT_A_NAME = (
    'is not a valid name; use 1 to 63 letters, digits, hyphens, underscores and dots, beginning '
    'and ending with a letter or digit'
)
NOT_A_REFERENCE = 'is not a valid name; use 1 to 255 printable characters'
NOT_A_CHECKSUM = (
    'is not a valid checksum; use sha256: or sha512: followed by the digits or by the URL of a '
    'checksum file'
)
NO_REGISTRY = (
    'is no image in a registry; name the registry, too, as in docker://docker.io/library/nginx:1.27'
)
NOT_A_PATH = 'is not a valid path; begin it with /, and use no spaces'
NO_ADDRESS_FREE = (
    'no address is free; delete some, or enlarge the pool (host_floating_pools of the role '
    'hanok.cloud.host)'
)
NOT_FOR_SERVERS = 'is a reserved range; use one in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16'


def volume_(
    state: str = 'present', server: str | None = None, force: bool = False, **options: Any
) -> VolumeRequest:
    """A request for the volume v."""
    return VolumeRequest('v', state, options, server, force)


def group(state: str = 'present', purge: bool = True, **options: Any) -> SecurityGroupRequest:
    """A request for the group g."""
    return SecurityGroupRequest('g', state, options, purge)


def lb_(**options: Any) -> LbRequest:
    """A request for the balancer l."""
    return LbRequest('l', 'present', {'listeners': LISTENERS, **options})


def named(*things: Any) -> dict[str, Any]:
    """Resources by name."""
    things = tuple(
        replace(thing, status=status_of(thing, None)) if isinstance(thing, Server) else thing
        for thing in things
    )
    return {thing.name: thing for thing in things}


# -- invalid requests ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('request_', 'message'),
    [
        (VolumeRequest('v v', 'present'), f"name: 'v v' {NOT_A_NAME}"),
        (VolumeRequest('.', 'present'), f"name: '.' {NOT_A_NAME}"),
        (VolumeRequest('s/data', 'present'), f"name: 's/data' {NOT_A_NAME}"),
        (VolumeRequest('/root', 'present'), f"name: '/root' {NOT_A_NAME}"),
        (VolumeRequest('\n/root', 'present'), f"name: '\\n/root' {NOT_A_REFERENCE}"),
        (volume_(size=0), 'size: 0 is out of range; use 1 to 5120 (GB)'),
        (volume_(size=5121), 'size: 5121 is out of range; use 1 to 5120 (GB)'),
        (volume_('attached'), 'server: specify the server to attach it to'),
        (volume_(source='image:a\nb'), f"image: 'a\\nb' {NOT_A_REFERENCE}"),
        (
            volume_(source='source_volume:v'),
            'source_volume: v cannot be a copy of itself; use another name',
        ),
        (
            volume_('absent', source='image:i'),
            'image: it is for new volumes, not for state: absent; omit it',
        ),
        (
            volume_('present', 's'),
            'server: it requires state: attached or detached, not present',
        ),
        (
            volume_('absent', 's'),
            'server: it requires state: attached or detached, not absent',
        ),
        (
            volume_('attached', 'two\nlines'),
            f"server: 'two\\nlines' {NOT_A_REFERENCE}",
        ),
        (
            volume_(description='two\nlines'),
            'description: it must be one line of at most 255 printable characters',
        ),
        (
            volume_(labels={'a': 7}),
            'labels: the value of a must be printable text',
        ),
        (
            FloatingIpRequest('', 'present'),
            'name: specify a name, an address, or the server, port or lb that has it; otherwise '
            'every run would allocate another address',
        ),
        (
            FloatingIpRequest('', 'present', server='s'),
            'server: it requires state: attached, detached or absent, not present',
        ),
        (
            FloatingIpRequest('f', 'present', lb='l'),
            'lb: it requires state: attached, detached or absent, not present',
        ),
        (
            FloatingIpRequest('f', 'attached'),
            'server: specify the server, port or lb to attach it to',
        ),
        (
            FloatingIpRequest('f', 'attached', server='s', lb='l'),
            'server: specify only one of server, port and lb',
        ),
        (
            FloatingIpRequest('f', 'present', address='172.24.0'),
            "address: '172.24.0' is not an IPv4 address",
        ),
        (
            FloatingIpRequest('f', 'attached', server='s', fixed_ip='::1'),
            "fixed_ip: '::1' is not an IPv4 address",
        ),
        (FloatingIpRequest('f/', 'present'), f"name: 'f/' {NOT_A_NAME}"),
        (lb_(listeners=()), 'listeners: the list is empty; specify at least one'),
        (lb_(listeners=(Listener(0),)), 'listeners: port: 0 is not a port; use 1 to 65535'),
        (
            lb_(listeners=(Listener(80, 'http', 65536),)),
            'listeners: member_port: 65536 is not a port; use 1 to 65535',
        ),
        (
            lb_(listeners=(Listener(80), Listener(80, 'tcp'))),
            'listeners: port 80 is specified twice',
        ),
        (
            lb_(members=('s', '\x1b[31m')),
            f"members: '\\x1b[31m' {NOT_A_REFERENCE}",
        ),
        (lb_(network=''), f"network: '' {NOT_A_REFERENCE}"),
        (
            ImageRequest('i', 'present', {'source': 'server:' + 's' * 256}),
            f"server: '{'s' * 256}' {NOT_A_REFERENCE}",
        ),
        (
            lb_(health_check=HealthCheck(port=65536)),
            'health_check: port: 65536 is not a port; use 1 to 65535',
        ),
        (lb_(health_check=HealthCheck(path='up')), f"health_check: path 'up' {NOT_A_PATH}"),
        (lb_(health_check=HealthCheck(path='/a b')), f"health_check: path '/a b' {NOT_A_PATH}"),
        (lb_(health_check=HealthCheck(path='/a\n')), f"health_check: path '/a\\n' {NOT_A_PATH}"),
        (lb_(health_check=HealthCheck(path='/#')), f"health_check: path '/#' {NOT_A_PATH}"),
        (
            lb_(health_check=HealthCheck(interval=0)),
            'health_check: interval 0 is out of range; use 1 to 3600 (seconds)',
        ),
        (
            lb_(health_check=HealthCheck(interval=3601)),
            'health_check: interval 3601 is out of range; use 1 to 3600 (seconds)',
        ),
        (
            NetworkRequest('n', 'present', {'cidr': 'x'}),
            "cidr: 'x' is not an IPv4 network; use the form 192.168.10.0/24",
        ),
        (
            NetworkRequest('n', 'present', {'cidr': 'fd00::/64'}),
            "cidr: 'fd00::/64' is not an IPv4 network; use the form 192.168.10.0/24",
        ),
        (
            NetworkRequest('n', 'present', {'cidr': '10.0.0.0/30'}),
            'cidr: 10.0.0.0/30 is too small; use a prefix length of 8 to 29',
        ),
        (
            NetworkRequest('n', 'present', {'cidr': '10.0.0.1/32'}),
            'cidr: 10.0.0.1/32 is too small; use a prefix length of 8 to 29',
        ),
        (
            NetworkRequest('n', 'present', {'cidr': '10.0.0.0/7'}),
            'cidr: 10.0.0.0/7 is too large; use a prefix length of 8 to 29',
        ),
        (
            NetworkRequest('n', 'present', {'cidr': '127.0.0.0/24'}),
            f'cidr: 127.0.0.0/24 {NOT_FOR_SERVERS}',
        ),
        (
            NetworkRequest('n', 'present', {'cidr': '169.254.0.0/24'}),
            f'cidr: 169.254.0.0/24 {NOT_FOR_SERVERS}',
        ),
        (
            NetworkRequest('n', 'present', {'cidr': '240.0.0.0/24'}),
            f'cidr: 240.0.0.0/24 {NOT_FOR_SERVERS}',
        ),
        (
            NetworkRequest('n', 'present', {'cidr': '224.0.0.0/24'}),
            f'cidr: 224.0.0.0/24 {NOT_FOR_SERVERS}',
        ),
        (NetworkRequest('n', 'present', {'gateway': '10.0.0.1'}), 'gateway: it requires cidr'),
        (
            NetworkRequest('n', 'present', {'cidr': '10.0.0.0/24', 'gateway': 'x'}),
            "gateway: 'x' is not an IPv4 address",
        ),
        *(
            (
                NetworkRequest('n', 'present', {'cidr': '10.0.0.0/24', 'gateway': address}),
                f'gateway: {address} is not a host address of 10.0.0.0/24',
            )
            for address in ('10.0.0.0', '10.0.0.255', '10.0.1.1')
        ),
        (
            ImageRequest('i', 'present', {'source': 'url:https://example.org/i.qcow2'}),
            'checksum: it is required with url; set the checksum of the file, such as sha256:...',
        ),
        (
            ImageRequest(
                'i',
                'present',
                {'source': 'url:https://me:secret@example.org/i', 'checksum': SHA256},
            ),
            'url: it contains a user name or password; download the file first, and set path',
        ),
        *(
            (
                ImageRequest('i', 'present', {'source': f'url:{url}', 'checksum': SHA256}, url),
                problem,
            )
            for url, problem in (
                (
                    'HTTPS://me:secret@example.org/i',
                    'url: it contains a user name or password; download the file first, and set '
                    'path',
                ),
                (
                    'http://example.org/a b',
                    'url: it contains a space, or is not ASCII; percent-encode it (%20 for a '
                    'space)',
                ),
            )
        ),
        (
            ImageRequest('i', 'present', {'source': 'url:ftp://example.org/i', 'checksum': SHA256}),
            "url: 'ftp://example.org/i' is no http, https or docker URL",
        ),
        (
            ImageRequest('i', 'present', {'source': 'url:https://example.org', 'checksum': SHA256}),
            "url: 'https://example.org' is no http, https or docker URL",
        ),
        *(
            (
                ImageRequest(
                    'i', 'present', {'source': f'url:{url}', 'disk_format': 'oci', **options}, url
                ),
                problem,
            )
            for url, options, problem in (
                ('docker://nginx', {}, f"url: 'docker://nginx' {NO_REGISTRY}"),
                ('docker://library/nginx', {}, f"url: 'docker://library/nginx' {NO_REGISTRY}"),
                ('docker://a.example/B:1', {}, f"url: 'docker://a.example/B:1' {NO_REGISTRY}"),
                ('docker://a.example', {}, f"url: 'docker://a.example' {NO_REGISTRY}"),
                ('docker://a.example/b?t=x', {}, f"url: 'docker://a.example/b' {NO_REGISTRY}"),
                ('docker://-a.example/b', {}, f"url: 'docker://-a.example/b' {NO_REGISTRY}"),
                (
                    'docker://me:secret@a.example/b',
                    {},
                    'url: it contains a user name or password; log in as root with skopeo login, '
                    'and omit it',
                ),
                (
                    'docker://a.example/b:1',
                    {'disk_format': 'qcow2'},
                    'disk_format: an image from a registry is an OCI image; set oci',
                ),
                (
                    'docker://a.example/b:1',
                    {'checksum': 'sha512:' + '0' * 128},
                    'checksum: of an image from a registry, it is the digest of its manifest, or '
                    'of its index, as the registry has it: sha256: and 64 digits',
                ),
                (
                    f'docker://a.example/b@{SHA256}',
                    {'checksum': 'sha256:' + 'f' * 64},
                    f'checksum: url has the digest {SHA256}; omit one',
                ),
            )
        ),
        (
            ImageRequest(
                'i',
                'present',
                {'source': 'url:docker://a.example/b', 'disk_format': 'oci'},
                'docker://a.example/b',
                hide_url=True,
            ),
            'hide_url: the address of an image in a registry is no secret; omit it',
        ),
        (
            ImageRequest('i', 'present', {'source': 'path:/i', 'os_admin_user': '-x y'}),
            "os_admin_user: '-x y' is not a login name; use at most 32 letters, digits, hyphens, "
            'underscores and dots, a letter or an underscore first',
        ),
        (
            ImageRequest('i', 'present', {'source': 'path:/i', 'checksum': 'sha256:0'}),
            f"checksum: 'sha256:0' {NOT_A_CHECKSUM}",
        ),
        (
            ImageRequest('i', 'present', {'source': 'path:/i', 'checksum': 'md5:' + '0' * 32}),
            f"checksum: 'md5:{'0' * 32}' {NOT_A_CHECKSUM}",
        ),
        (
            ImageRequest('i', 'present', {'source': 'path:/i', 'checksum': 'sha512:' + '0' * 64}),
            f"checksum: 'sha512:{'0' * 64}' {NOT_A_CHECKSUM}",
        ),
        (
            ImageRequest('i', 'present', {'source': 'server:s', 'checksum': SHA256}),
            'checksum: it requires path or url, not server',
        ),
        (FlavorRequest('f', 'present', {'vcpus': 0}), 'vcpus: 0 is out of range; use 1 to 256'),
        (
            FlavorRequest('f', 'present', {'memory': 31}),
            'memory: 31 is out of range; use 32 to 4194304 MiB',
        ),
        (
            FlavorRequest('f', 'present', {'disk': 5121}),
            'disk: 5121 is out of range; use 1 to 5120 GB',
        ),
        (
            SecurityGroupRequest('default', 'absent'),
            'name: the group default cannot be deleted, because servers without security_groups '
            'have it; set rules: [] to remove its rules',
        ),
        (
            KeypairRequest('k', 'present', {'public_key': ED25519}, '/k'),
            'private_key_file: it is for a key pair to be generated; set it or a public key, not '
            'both',
        ),
    ],
)
def test_invalid_request(request_: Any, message: str) -> None:
    """It is refused before anything is observed."""
    assert request_.problems() == [message]


@pytest.mark.parametrize(
    'request_',
    [
        VolumeRequest('v.1_a', 'present', {'size': 5120}),
        VolumeRequest('s/root', 'present', {'size': 5120}),
        volume_('detached', 's'),
        FloatingIpRequest('', 'absent', server='s'),
        FloatingIpRequest('', 'detached', lb='l'),
        FloatingIpRequest('', 'attached', server='s'),
        FloatingIpRequest('', 'present', address='172.24.0.9'),
        NetworkRequest('n', 'present', {'cidr': '10.0.0.0/8'}),
        NetworkRequest('n', 'present', {'cidr': '10.0.0.0/29', 'gateway': '10.0.0.6'}),
        NetworkRequest('n', 'absent'),
        ImageRequest('i', 'absent', {'source': 'url:https://example.org/i'}),
        ImageRequest(
            'i',
            'present',
            {
                'source': 'url:http://example.org:8080/i.qcow2?a=b',
                'checksum': 'sha512:' + 'f' * 128,
            },
        ),
        FlavorRequest('f', 'present', {'vcpus': 256, 'memory': 32, 'disk': 5120}),
        FlavorRequest('g1.tiny', 'present', {'vcpus': 1}),
        SecurityGroupRequest('default', 'present', {'rules': ()}),
        lb_(
            listeners=(Listener(1, 'tcp', 65535), Listener(65535, 'tcp', 1)),
            health_check=HealthCheck('tcp', 1, '/?a=%20', 3600),
        ),
    ],
)
def test_requests_at_the_limits(request_: Any) -> None:
    """Values that are just valid."""
    assert request_.problems() == []


@pytest.mark.parametrize(
    ('key', 'message'),
    [
        (
            '-----BEGIN OPENSSH PRIVATE KEY-----\n',
            'public_key: this is a private key; use the public key (the file that ends in .pub)',
        ),
        ('ssh-ed25519', 'public_key: nothing follows ssh-ed25519; use the complete line'),
        (
            'ssh-dss AAAA',
            'public_key: ssh-dss is not a supported type of key; use one of ssh-ed25519, ssh-rsa, '
            'ecdsa-sha2-nistp256, '
            'ecdsa-sha2-nistp384, ecdsa-sha2-nistp521, sk-ssh-ed25519@openssh.com, '
            'sk-ecdsa-sha2-nistp256@openssh.com',
        ),
        (
            'ssh-ed25519 no!',
            'public_key: the key after the type is not base64, or is truncated; copy the complete '
            'line again',
        ),
        (
            'ssh-ed25519 AAA=',
            'public_key: the ssh-ed25519 key is truncated, or split by a space; copy the complete '
            'line again',
        ),
    ],
)
def test_public_keys(key: str, message: str) -> None:
    """A key that sshd would not accept is refused before the first login."""
    assert KeypairRequest('k', 'present', {'public_key': key}).problems() == [message]


# -- refusals because of existing resources --------------------------------------------------------


def volumes(
    *things: Volume, servers: Mapping[str, Server] | None = None, mounted: bool | None = False
) -> volume.ObservedVolumes:
    """Volumes, and the servers s and t."""
    return volume.ObservedVolumes(
        named(*things), named(Server('s'), Server('t')) if servers is None else servers, mounted
    )


def copied(image: Image) -> volume.ObservedVolumes:
    """An image, and no volume."""
    return replace(volumes(), images={image.name: image})


def root_(state: str = 'present', server: str | None = None, **options: Any) -> VolumeRequest:
    """A request for the root volume of the server s."""
    return VolumeRequest('s/root', state, options, server)


V = Volume('v', 4)
HELD = replace(V, server='s')
ROOT = Volume('s/root', 4, 's', bootable=True)
IS_ROOT = 'volume s/root is the root volume of s: '
FULL = Server('s', volumes=tuple(f'v{number}' for number in range(15)))
F = FloatingIp('f', '172.24.0.9', 'pool')
PLACES = (
    FixedIp('192.168.0.5', 's', floating_ip='172.24.0.8'),
    FixedIp('10.0.0.5', 's'),
    FixedIp('192.168.0.6', 't'),
    FixedIp('192.168.0.7', lb='l'),
)
FREE = floating_ip.ObservedFloatingIps(F, PLACES, ('pool',), 1, profile=PROFILE)
NONE_LEFT = replace(FREE, current=None, free=0)
KEY = Keypair('k', ED25519, 'SHA256:x')
BROKEN = (
    'server: s is UNMANAGED (its machine is gone); repair it first (server: repair: true), or '
    'delete it, which keeps its volumes'
)


class Reserved(Volume):
    """The volume of a server that is shelved."""

    @property
    def status(self) -> VolumeStatus:
        """The status of Cinder."""
        return VolumeStatus.RESERVED


def test_status_of_a_volume() -> None:
    """What the life cycle does not allow is refused, with what is possible."""
    reserved = Reserved('v', 4, 's')
    refused = volume.plan(VolumeRequest('v', 'present', {'size': 5}), volumes(reserved)).refused
    assert [str(problem) for problem in refused] == ['volume v is reserved; possible: detach']
    assert not volume.plan(VolumeRequest('v', 'detached', {}), volumes(reserved)).refused


AWAY = 'volume v: it is away; mount it'
_COPIES = (VolumeCopy('d', 'data', 2, 'default'),)
BACKED_UP = {
    'b/data': Backup('b', volumes=_COPIES, unfinished='creating'),
    'c/data': Backup('c', volumes=_COPIES),
}
TYPES = {'ssd': VolumeType('ssd'), 'nfs': VolumeType('nfs', '/nfs is not mounted; mount it')}


@pytest.mark.parametrize(
    ('planned', 'message'),
    [
        (
            volume.plan(volume_(), volumes()),
            'volume v does not exist; to create it, also set size (GB)',
        ),
        (
            volume.plan(volume_(size=3), volumes(V)),
            'volume v: size is 4, requested 3: a volume cannot shrink; create a new one',
        ),
        (
            volume.plan(
                volume_(volume_type='ssd'),
                replace(volumes(replace(V, server_snapshots=('s/a',))), types=TYPES),
            ),
            'volume v: volume_type is default, requested ssd: snapshots do not move with a volume; '
            'delete those first',
        ),
        (
            volume.plan(root_(volume_type='ssd'), volumes(ROOT)),
            'volume s/root: volume_type is default, requested ssd: a root volume stays where its '
            'server is; create a server of an image',
        ),
        (
            volume.plan(volume_(size=1, volume_type='nfs'), replace(volumes(), types=TYPES)),
            'volume_type: /nfs is not mounted; mount it',
        ),
        *(
            (volume.plan(request, volumes(replace(V, unavailable='it is away; mount it'))), AWAY)
            for request in (volume_(), volume_(size=9), volume_('absent'), volume_('attached', 's'))
        ),
        (
            volume.plan(
                volume_(source='source_volume:w'),
                volumes(Volume('w', 2, unavailable='it is away; mount it')),
            ),
            'volume w: it is away; mount it; copy another volume',
        ),
        (
            volume.plan(volume_(source='image:i', size=1), copied(Image('i', min_disk=2))),
            'size: 1 GB is less than image i needs (2 GB); use at least that',
        ),
        (
            volume.plan(volume_(source='image:i'), copied(Image('i', disk_format='iso'))),
            'image i is no disk (disk_format: iso); use the image of a disk',
        ),
        (
            volume.plan(volume_(source='image:i'), copied(Image('i', disk_missing=True))),
            'image i: its disk is missing; delete the image (state: absent) and re-create it',
        ),
        (
            volume.plan(volume_(source='image:i'), copied(Image('i', unfinished='creating'))),
            'image i is unfinished (creating); run its task again first',
        ),
        (
            volume.plan(
                volume_(source='source_volume:w'), volumes(Volume('w', 2, unfinished='extending'))
            ),
            'volume w is unfinished (extending); run its task again first',
        ),
        (
            volume.plan(
                volume_(source='source_volume:w'), volumes(Volume('w', 2, disk_missing=True))
            ),
            'volume w: its disk is missing, with all data on it; copy another volume',
        ),
        (
            volume.plan(volume_(source='backup:b/data'), replace(volumes(), backups=BACKED_UP)),
            'backup b is unfinished (creating); run its task again first',
        ),
        (
            volume.plan(
                volume_(source='backup:c/data', size=1), replace(volumes(), backups=BACKED_UP)
            ),
            'size: 1 GB is less than backup c/data needs (2 GB); use at least that',
        ),
        (
            volume.plan(volume_(source='source_volume:v'), volumes(V)),
            'volume v: source is not set, requested source_volume:v: a volume keeps what it '
            'was created with; delete and re-create it, or use another name',
        ),
        (
            volume.plan(root_(size=3), volumes(ROOT)),
            'volume s/root: size is 4, requested 3: a volume cannot shrink; create a new one',
        ),
        *(
            (volume.plan(root_(state, server), volumes(replace(ROOT, **values))), IS_ROOT + why)
            for state, server, values, why in (
                ('absent', None, {}, 'it is deleted with its server (server: state: absent)'),
                ('detached', None, {}, 'it cannot be detached; create an image of its server'),
                ('detached', 's', {}, 'it cannot be detached; create an image of its server'),
                (
                    'attached',
                    't',
                    {},
                    'it cannot be attached to another server; create an image of its server',
                ),
                (
                    'present',
                    None,
                    {'disk_missing': True},
                    'its disk is missing, with all data on it; delete the server and re-create it',
                ),
                (
                    'present',
                    None,
                    {'unfinished': 'creating'},
                    'the server is unfinished (creating); run the task that creates or deletes it '
                    'again',
                ),
            )
        ),
        (
            volume.plan(
                root_(size=9),
                volumes(
                    ROOT,
                    servers=named(Server('s', status='UNMANAGED', faults=('its machine is gone',))),
                ),
            ),
            BROKEN,
        ),
        (
            volume.plan(volume_('absent'), volumes(HELD)),
            'volume v is attached to s; detach it first (state: detached)',
        ),
        (
            volume.plan(volume_('attached', 's'), volumes(V, servers=named(FULL))),
            'server: s has 15 volumes; a server has at most 15 besides its root volume',
        ),
        *(
            (
                found,
                f'{kind} is protected; set delete_protection: false, also in this task, to allow '
                'its deletion',
            )
            for kind, found in (
                (
                    'volume v',
                    volume.plan(volume_('absent'), volumes(replace(V, delete_protection=True))),
                ),
                (
                    'volume v',
                    volume.plan(volume_('absent', delete_protection=True), volumes(V)),
                ),
                (
                    'image i',
                    image.plan(
                        ImageRequest('i', 'absent'),
                        image.ObservedImages(named(Image('i', delete_protection=True))),
                    ),
                ),
                (
                    'floating_ip f',
                    floating_ip.plan(
                        FloatingIpRequest('f', 'absent'),
                        floating_ip.ObservedFloatingIps(FloatingIp('f', delete_protection=True)),
                    ),
                ),
                (
                    'network n',
                    network.plan(
                        NetworkRequest('n', 'absent'),
                        network.ObservedNetworks(named(Network('n', delete_protection=True))),
                    ),
                ),
            )
        ),
        (
            volume.plan(root_(delete_protection=True), volumes(ROOT)),
            f'{IS_ROOT}protect that (server: delete_protection: true)',
        ),
        (
            volume.plan(
                volume_('attached', 's'),
                volumes(V, servers=named(Server('s', unfinished='creating'))),
            ),
            'server: s is unfinished (creating); run the task that creates or deletes it again',
        ),
        *(
            (
                volume.plan(
                    requested,
                    volumes(
                        there,
                        servers=named(Server('s', faults=('its machine is gone',)), Server('t')),
                    ),
                ),
                BROKEN,
            )
            for requested, there in (
                (volume_('attached', 's'), V),
                (volume_('detached'), HELD),
                (volume_('attached', 't'), HELD),
            )
        ),
        (
            volume.plan(volume_('detached'), volumes(HELD, mounted=True)),
            'volume v is mounted in s, and data would be lost; unmount it there first, or set '
            'force: true',
        ),
        (
            volume.plan(volume_('attached', 't'), volumes(HELD, mounted=True)),
            'volume v is mounted in s, and data would be lost; unmount it there first, or set '
            'force: true',
        ),
        (
            floating_ip.plan(FloatingIpRequest('f', 'attached', server='s'), FREE),
            'server: s already has the floating address 172.24.0.8; detach that first (state: '
            'detached)',
        ),
        (
            floating_ip.plan(
                FloatingIpRequest('f', 'attached', server='s', fixed_ip='192.168.0.9'), FREE
            ),
            'fixed_ip: 192.168.0.9 is not an address of server s; it has 192.168.0.5, 10.0.0.5',
        ),
        (
            floating_ip.plan(FloatingIpRequest('f', 'present', address='172.24.0.1'), FREE),
            'floating_ip f: address is 172.24.0.9, requested 172.24.0.1: its address cannot be '
            'changed; delete it and create another one',
        ),
        (
            floating_ip.plan(FloatingIpRequest('f', 'present', pool='lan'), FREE),
            'floating_ip f: pool is pool, requested lan: its address belongs to its pool; delete '
            'it and create another one',
        ),
        (
            floating_ip.plan(FloatingIpRequest('f', 'present'), NONE_LEFT),
            f'floating_ip: {NO_ADDRESS_FREE}',
        ),
        (
            floating_ip.plan(FloatingIpRequest('f', 'present', pool='pool'), NONE_LEFT),
            f'floating_ip: {NO_ADDRESS_FREE}',
        ),
        (
            floating_ip.plan(FloatingIpRequest('f', 'present', pool='lan'), NONE_LEFT),
            'pool: lan does not exist; available: pool',
        ),
        (
            floating_ip.plan(
                FloatingIpRequest('', 'present', address='8.8.8.8'),
                replace(FREE, current=None, in_pool=False),
            ),
            'address: 8.8.8.8 is in no pool of this cloud; available: pool',
        ),
        (
            lb.plan(LbRequest('l', 'present', {}), lb.ObservedLbs({}, NETWORKS)),
            'lb l does not exist; to create it, also set listeners',
        ),
        (
            lb.plan(
                lb_(members=('s',)),
                lb.ObservedLbs({}, NETWORKS, named(Server('s', networks=(Nic('back'),)))),
            ),
            'members: server s has no port in network default of the balancer; connect it to '
            'that, or create the balancer in a network of the server',
        ),
        (
            lb.plan(
                replace(lb_(), floating_ip='auto'),
                lb.ObservedLbs({}, NETWORKS, free=0, profile=PROFILE),
            ),
            f'floating_ip: {NO_ADDRESS_FREE}',
        ),
        (
            lb.plan(
                replace(lb_(), floating_ip='172.24.0.9'),
                lb.ObservedLbs(
                    {},
                    NETWORKS,
                    {},
                    1,
                    'floating_ip: 172.24.0.9 is attached to server s; detach it first',
                ),
            ),
            'floating_ip: 172.24.0.9 is attached to server s; detach it first',
        ),
        (
            lb.plan(
                lb_(network='back'), lb.ObservedLbs(named(Lb('l', listeners=LISTENERS)), NETWORKS)
            ),
            'lb l: network is default, requested back: a balancer cannot move to another network; '
            'delete and re-create it',
        ),
        (
            network.plan(
                NetworkRequest('n', 'present', {'cidr': '10.0.0.0/24'}),
                network.ObservedNetworks({}, {'10.0.0.0/16': 'the network x'}),
            ),
            'cidr: 10.0.0.0/24 overlaps the network x (10.0.0.0/16); use another, or omit it',
        ),
        (
            network.plan(
                NetworkRequest('n', 'present', {'cidr': '10.1.0.0/24'}),
                network.ObservedNetworks(named(Network('n', '10.0.0.0/24', '10.0.0.1'))),
            ),
            'network n: cidr is 10.0.0.0/24, requested 10.1.0.0/24: a network cannot be '
            'renumbered; create another one',
        ),
        (
            network.plan(
                NetworkRequest('n', 'present'),
                network.ObservedNetworks({}, {'192.168.0.0/16': 'a', '10.0.0.0/8': 'b'}),
            ),
            'cidr: no /24 in 192.168.0.0/16 and 10.0.0.0/8 is free; set cidr',
        ),
        (
            network.plan(
                NetworkRequest('n', 'absent'),
                network.ObservedNetworks(named(Network('n', used_by=('s', 'lb l')))),
            ),
            'network n is used by s, lb l; delete or change those first',
        ),
        (
            network.plan(
                NetworkRequest('n', 'present', {'cidr': '10.1.0.0/24'}),
                network.ObservedNetworks(
                    named(Network('n', '10.0.0.0/24', '10.0.0.1', unfinished='creating')),
                    {'10.1.0.0/16': 'the network x'},
                ),
            ),
            'cidr: 10.1.0.0/24 overlaps the network x (10.1.0.0/16); use another, or omit it',
        ),
        (
            image.plan(ImageRequest('i', 'present', {}), image.ObservedImages({})),
            'image i does not exist; to create it, also set path, url (with checksum), server, '
            'volume, snapshot or backup',
        ),
        (
            image.plan(
                ImageRequest('i', 'present', {'source': 'backup:b'}),
                image.ObservedImages({}, backups=named(Backup('b', unfinished='creating'))),
            ),
            'backup b is unfinished (creating); run its task again first',
        ),
        (
            image.plan(
                ImageRequest('i', 'present', {'source': 'backup:b'}),
                image.ObservedImages({}, backups=named(Backup('b', fault='gone'))),
            ),
            'backup: b: gone',
        ),
        (
            image.plan(
                ImageRequest('i', 'present', {'source': 'backup:b', 'disk_format': 'root-tar'}),
                image.ObservedImages({}, backups=named(Backup('b'))),
            ),
            'disk_format: backup b is of a virtual machine, whose images are qcow2; omit it',
        ),
        (
            image.plan(
                ImageRequest('i', 'present', {'source': 'volume:v', 'disk_format': 'oci'}),
                image.ObservedImages({}, volumes=volume.ObservedVolumes(named(Volume('v', 1)))),
            ),
            'disk_format: volume v is a disk, whose images are qcow2; omit it',
        ),
        (
            image.plan(
                ImageRequest('i', 'present', {'source': 'volume:v'}),
                image.ObservedImages(
                    {},
                    volumes=volume.ObservedVolumes(named(Volume('v', 1, unfinished='creating'))),
                ),
            ),
            'volume v is unfinished (creating); run its task again first',
        ),
        (
            image.plan(
                ImageRequest('i', 'present', {'source': 'server:s'}),
                image.ObservedImages({}, '', {'s': Server('s', type='container')}),
            ),
            'server: s is a container that runs, and an image requires one that is off; stop it '
            'first (state: stopped), or use a backup of it',
        ),
        (
            image.plan(
                ImageRequest('i', 'present', {'source': 'server:s'}),
                image.ObservedImages({}, '', {'s': Server('s', unfinished='creating')}),
            ),
            'server: s is unfinished (creating); run the task that creates or deletes it again',
        ),
        (
            image.plan(
                ImageRequest('i', 'present', {'source': 'volume:v'}),
                image.ObservedImages(
                    {},
                    volumes=volume.ObservedVolumes(
                        named(Volume('v', 1, server='s')),
                        named(Server('s', power='stopped', unfinished=TaskState.RESTORING)),
                    ),
                ),
            ),
            'server: s is unfinished (restoring): a restore was interrupted; restore the snapshot '
            'or the backup again (server_snapshot or backup: state: restored)',
        ),
        (
            image.plan(
                ImageRequest('i', 'absent', {}),
                image.ObservedImages(named(Image('i', used_by=('s', 't')))),
            ),
            'image i is used by s, t; delete or change those first',
        ),
        (
            image.plan(
                ImageRequest('i', 'present', {'source': 'path:/b'}),
                image.ObservedImages(named(Image('i', 'path:/a'))),
            ),
            'image i: source is path:/a, requested path:/b: the content of an image cannot be '
            'changed; delete and re-create it, or use another name',
        ),
        (
            image.plan(
                ImageRequest('i', 'present', {'checksum': SHA256}),
                image.ObservedImages(named(Image('i', 'path:/a'))),
            ),
            f'image i: checksum is not set, requested {SHA256}: the content of an image cannot be '
            'changed; delete and re-create it, or use another name',
        ),
        (
            flavor.plan(FlavorRequest('f', 'present', {'disk': 1}), {}),
            'flavor f does not exist; to create it, also set vcpus, memory',
        ),
        (
            flavor.plan(
                FlavorRequest('f', 'present', {'memory': 512}), named(Flavor('f', memory=256))
            ),
            'flavor f: memory is 256, requested 512: existing servers of the flavor would no '
            'longer match it; create a flavor with another name',
        ),
        (
            flavor.plan(
                FlavorRequest('f', 'present', {'max_vcpus': 1}), named(Flavor('f', vcpus=2))
            ),
            'max_vcpus: 1 is less than the vcpus of the flavor (2); use at least that',
        ),
        (
            flavor.plan(FlavorRequest('f', 'absent'), named(Flavor('f', used_by=('s',)))),
            'flavor f is used by s; delete or change those first',
        ),
        (
            keypair.plan(KeypairRequest('k', 'present', {}), keypair.ObservedKeypairs({})),
            'keypair k does not exist; to create it, also set public_key or public_key_file, or '
            'private_key_file to generate one',
        ),
        (
            keypair.plan(
                KeypairRequest('k', 'present', {'public_key': OTHER_ED25519}),
                keypair.ObservedKeypairs(named(KEY)),
            ),
            f'keypair k: public_key is {ED25519}, requested {OTHER_ED25519}: a key pair cannot be '
            'changed; create one with another name',
        ),
        (
            keypair.plan(
                KeypairRequest('k', 'absent', {}),
                keypair.ObservedKeypairs(named(replace(KEY, used_by=('s',)))),
            ),
            'keypair k is used by s; delete those servers first',
        ),
        (
            keypair.plan(
                KeypairRequest('k', 'present', {}, '/k'), keypair.ObservedKeypairs(named(KEY))
            ),
            'private_key_file: /k does not exist, and the private key of k was written only once, '
            'at its creation; '
            'restore the file, omit the option, or delete the key pair and create a new one',
        ),
        (
            keypair.plan(
                KeypairRequest('k', 'present', {}, '/k'),
                keypair.ObservedKeypairs(named(KEY), KeyFile('/k', OTHER_ED25519)),
            ),
            'private_key_file: /k contains another key than k (SHA256:x); use another file',
        ),
        (
            security_group.plan(
                group(rules=tuple(Rule('ingress', 'tcp', port, port) for port in range(1, 102))),
                security_group.ObservedSecurityGroups({}),
            ),
            'rules: g would have 101; a group has at most 100',
        ),
        (
            security_group.plan(
                group(purge=False, rules=(Rule('egress', 'udp'),)),
                security_group.ObservedSecurityGroups(
                    named(
                        SecurityGroup(
                            'g',
                            rules=tuple(
                                Rule('ingress', 'tcp', port, port) for port in range(1, 101)
                            ),
                        )
                    )
                ),
            ),
            'rules: g would have 101; a group has at most 100',
        ),
        (
            security_group.plan(
                group('absent'),
                security_group.ObservedSecurityGroups(
                    named(SecurityGroup('g', used_by=('s', 't')))
                ),
            ),
            'security_group g is used by s, t; delete or change those first',
        ),
        (
            security_group.plan(
                group('absent'),
                security_group.ObservedSecurityGroups(named(SecurityGroup('g', named_by=('h',)))),
            ),
            'security_group g is used by rules of h; change those first',
        ),
    ],
)
def test_what_is_refused(planned: Plan, message: str) -> None:
    """Refused because of existing resources; the message is the only one."""
    assert list(planned.refused) == [message]
    assert planned.missing == ()


def test_the_source_of_an_image_is_named_by_its_option() -> None:
    """There is no option called source."""
    request = ImageRequest('i', 'present', {'source': 'url:http://a/b'})
    (problem,) = image.plan(request, image.ObservedImages(named(Image('i', 'path:/a')))).refused
    assert problem.option == 'url'


@pytest.mark.parametrize(
    ('planned', 'message'),
    [
        (
            volume.plan(volume_('attached', 'u'), volumes(V)),
            'server u does not exist; available: s, t',
        ),
        (
            volume.plan(volume_('attached', 'u'), volumes(V, servers={})),
            'server u does not exist; available: none',
        ),
        (
            volume.plan(root_(size=4), volumes()),
            'volume s/root does not exist; a root volume is created with its server: create the '
            'server s first',
        ),
        (
            floating_ip.plan(FloatingIpRequest('f', 'attached', server='l'), FREE),
            'server l does not exist; available: s, t',
        ),
        (
            floating_ip.plan(FloatingIpRequest('f', 'attached', lb='s'), FREE),
            'lb s does not exist; available: l',
        ),
        (
            lb.plan(lb_(network='back'), lb.ObservedLbs({}, NETWORKS)),
            'network back does not exist; available: default',
        ),
        (lb.plan(lb_(), lb.ObservedLbs({})), 'network default does not exist; available: none'),
        (
            lb.plan(lb_(members=('s', 'u')), lb.ObservedLbs({}, NETWORKS, named(Server('s')))),
            'server u does not exist; available: s',
        ),
        (
            image.plan(
                ImageRequest('i', 'present', {'source': 'server:s'}), image.ObservedImages({})
            ),
            'server s does not exist; available: none',
        ),
        (
            image.plan(
                ImageRequest('i', 'present', {'source': 'path:/i'}),
                image.ObservedImages({}, '/i is not a file on this host'),
            ),
            'path: /i is not a file on this host',
        ),
        (
            security_group.plan(
                group(rules=(Rule('ingress', remote_cidr='', remote_group='web'),)),
                security_group.ObservedSecurityGroups(named(SecurityGroup('default'))),
            ),
            'security_group web does not exist; available: default, g',
        ),
    ],
)
def test_missing_references(planned: Plan, message: str) -> None:
    """A missing reference is no refusal: an earlier task of the play may be about to create it."""
    assert list(planned.missing) == [message]
    assert planned.refused == ()


# -- changes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('planned', 'verbs'),
    [
        (volume.plan(volume_('attached', 't'), volumes(HELD)), ['detach', 'attach']),
        (
            volume.plan(volume_('attached', 't', size=9), volumes(HELD)),
            ['update', 'detach', 'attach'],
        ),
        (volume.plan(volume_('attached', 's', size=1), volumes()), ['create', 'attach']),
        (
            volume.plan(volume_('attached', 't'), volumes(HELD, servers=named(FULL, Server('t')))),
            ['detach', 'attach'],
        ),
        (volume.plan(volume_('attached', 's'), volumes(HELD, servers=named(FULL))), []),
        (volume.plan(volume_('detached', 't'), volumes(HELD)), []),
        (volume.plan(volume_('detached', force=True), volumes(HELD, mounted=True)), ['detach']),
        (volume.plan(volume_('absent'), volumes()), []),
        # After an interrupted run, which is completed before it is reverted.
        (
            volume.plan(volume_('detached'), volumes(replace(HELD, unfinished='attaching'))),
            ['attach', 'detach'],
        ),
        (
            volume.plan(volume_('attached', 't'), volumes(replace(HELD, unfinished='attaching'))),
            ['attach', 'detach', 'attach'],
        ),
        (
            volume.plan(volume_('attached', 's'), volumes(replace(HELD, unfinished='detaching'))),
            ['detach', 'attach'],
        ),
        (
            volume.plan(volume_(size=4), volumes(replace(V, unfinished='deleting'))),
            ['delete', 'create'],
        ),
        (volume.plan(volume_(), volumes(replace(HELD, unfinished='extending'))), ['update']),
        (volume.plan(root_(size=9), volumes(ROOT)), ['update']),
        (volume.plan(root_('attached', 's', labels={'a': 'b'}), volumes(ROOT)), ['update']),
        (volume.plan(root_('detached', 't', size=4), volumes(ROOT)), []),
        (volume.plan(root_('absent'), volumes()), []),
        (
            volume.plan(
                root_(),
                volumes(
                    replace(ROOT, unfinished='extending'),
                    servers=named(Server('s', unfinished='updating')),
                ),
            ),
            ['update'],
        ),
        (
            floating_ip.plan(
                FloatingIpRequest('', 'detached', server='t'), replace(FREE, current=None)
            ),
            [],
        ),
        (floating_ip.plan(FloatingIpRequest('f', 'detached'), FREE), []),
        (floating_ip.plan(FloatingIpRequest('f', 'absent'), replace(FREE, current=None)), []),
        (
            lb.plan(LbRequest('l', 'present', {}), lb.ObservedLbs(named(Lb('l', running=False)))),
            ['update'],
        ),
        (lb.plan(LbRequest('l', 'absent', {}), lb.ObservedLbs({})), []),
        (
            network.plan(
                NetworkRequest('n', 'present'),
                network.ObservedNetworks(
                    named(Network('n', '10.0.0.0/24', '10.0.0.1', unfinished='deleting'))
                ),
            ),
            ['delete', 'create'],
        ),
        (
            security_group.plan(
                group(),
                security_group.ObservedSecurityGroups(
                    named(SecurityGroup('g', rules=(Rule('egress'),)))
                ),
            ),
            [],
        ),
        (
            security_group.plan(
                group(rules=(Rule('ingress', remote_cidr='', remote_group='g'),)),
                security_group.ObservedSecurityGroups({}),
            ),
            ['create'],  # its own members
        ),
        (
            keypair.plan(
                KeypairRequest('k', 'present', {'public_key': ED25519 + ' a comment'}),
                keypair.ObservedKeypairs(named(KEY)),
            ),
            [],
        ),
        (
            keypair.plan(
                KeypairRequest('k', 'present', {}, '/k'),
                keypair.ObservedKeypairs({}, KeyFile('/k', ED25519)),
            ),
            ['create'],
        ),
    ],
)
def test_changes(planned: Plan, verbs: list[str]) -> None:
    """The verbs in order."""
    assert (planned.refused, planned.missing) == ((), ())
    assert [change.verb for change in planned.changes] == verbs


def test_a_generated_key_is_written_first() -> None:
    """The key pair has the public key of the written file."""
    planned = keypair.plan(KeypairRequest('k', 'present', {}, '/k'), keypair.ObservedKeypairs({}))
    assert [(change.kind, change.name) for change in planned.changes] == [
        ('private_key', '/k'),
        ('keypair', 'k'),
    ]


FILLED = GuestDisk(filled=True, disk='vdb', device='vdb', type='ext4')
EMPTY_PART = replace(FILLED, filled=False)
UNKNOWN = GuestDisk(refused='vdb is not mounted in the guest; mount it there first')
NO_TOOL = replace(FILLED, refused='the guest has no resize2fs; install the package e2fsprogs there')
IN_MBR = replace(FILLED, has_mbr=True)


def grown(
    disk: GuestDisk | None, current: Volume | None = HELD, state: str = 'present', **options: Any
) -> Plan:
    """The plan of a volume that is to be filled."""
    server = options.pop('server', None)
    asked = VolumeRequest('v', state, options, server, grow=True)
    seen = volumes(*([current] if current else []))
    return volume.plan(asked, replace(seen, guest_disk=disk))


@pytest.mark.parametrize(
    ('planned', 'fields'),
    [
        (grown(FILLED), []),
        (grown(NO_TOOL), []),
        (grown(EMPTY_PART), [(4, False, 4, True)]),
        (grown(FILLED, size=5), [(4, True, 5, True)]),
        (grown(EMPTY_PART, size=5), [(4, False, 5, True)]),
        (grown(EMPTY_PART, replace(HELD, unfinished='extending')), [(4, False, 4, True)]),
        (grown(IN_MBR, size=2048), [(4, True, 2048, True)]),
        (grown(None, V, 'attached', server='s'), [(4, None, 4, None)]),
    ],
)
def test_growth(planned: Plan, fields: list[tuple[object, ...]]) -> None:
    """One change extends the disk, and fills it; none if it is filled."""
    assert planned.refused == ()
    assert [
        (one.before.size, one.before.filled, one.after.size, one.after.filled)
        for one in planned.changes
    ] == fields


UNATTACHED = (
    'volume v: it is attached to no server; attach it (state: attached), and mount it there'
)


@pytest.mark.parametrize(
    ('planned', 'text'),
    [
        (grown(UNKNOWN), f'volume v: server s: {UNKNOWN.refused}'),
        (grown(NO_TOOL, size=5), f'volume v: server s: {NO_TOOL.refused}'),
        (grown(None), f'volume v: server s: {NO_ANSWER.refused}'),
        (grown(None, V), UNATTACHED),
        (grown(None, None, size=1), UNATTACHED),
        (grown(IN_MBR, size=2049), 'its partitions are in an MBR, which ends at 2048 GB'),
    ],
)
def test_no_growth(planned: Plan, text: str) -> None:
    """What cannot be grown is refused, with the way out."""
    (problem,) = planned.refused
    assert problem.option == 'grow'
    assert text in problem


@pytest.mark.parametrize(
    ('server', 'text'),
    [
        (Server('s', power='stopped'), 'server s is SHUTOFF; start it first'),
        (Server('s', guest_agent=False), 'server s has no guest agent; set guest_agent: true'),
        (Server('s', type='container'), 'server s is a container, which has no disk; omit grow'),
    ],
)
def test_growth_without_a_guest(server: Server, text: str) -> None:
    """A guest that cannot be asked is no reason to guess."""
    asked = VolumeRequest('v', 'present', {}, grow=True)
    planned = volume.plan(asked, volumes(HELD, servers=named(server)))
    assert text in str(planned.refused[0])


def test_unresponsive_guest() -> None:
    """It is reported, and the volume is detached."""
    planned = volume.plan(volume_('detached'), volumes(HELD, mounted=None))
    assert planned.notes == (
        'whether volume v is mounted is unknown: the guest agent of s does not answer',
    )
    assert [change.verb for change in planned.changes] == ['detach']


def test_network_without_cidr() -> None:
    """The first range that is free on this host, with a note if it is not the default one."""
    usual = network.plan(NetworkRequest('n', 'present'), network.ObservedNetworks({}))
    assert [(made.cidr, made.gateway) for made in usual.result] == [
        ('192.168.0.0/24', '192.168.0.1')
    ]
    assert usual.notes == ()
    moved = network.plan(
        NetworkRequest('n', 'present'),
        network.ObservedNetworks({}, {'192.168.0.0/23': 'the route to vpn'}),
    )
    assert [(made.cidr, made.gateway) for made in moved.result] == [
        ('192.168.2.0/24', '192.168.2.1')
    ]
    assert moved.notes == (
        'network n is 192.168.2.0/24, because the cloud has the route to vpn (192.168.0.0/23)',
    )
    assert len(set(candidates())) == 512


def test_detach_from_the_specified_holder_only() -> None:
    """It is not detached from another server."""
    held = replace(FREE, current=replace(F, server='t', fixed_ip='192.168.0.6'))
    assert floating_ip.plan(FloatingIpRequest('f', 'detached', server='s'), held).changes == ()
    assert [
        change.after.server
        for change in floating_ip.plan(FloatingIpRequest('f', 'detached', server='t'), held).changes
    ] == [None]


def test_default_fixed_ip() -> None:
    """Unless another fixed address is requested; an attached one keeps its port."""
    bare = replace(
        FREE,
        current=replace(F, server=None),
        fixed_ips=(FixedIp('192.168.0.5', 's'), FixedIp('10.0.0.5', 's', port='p')),
    )
    assert [
        made.fixed_ip
        for made in floating_ip.plan(FloatingIpRequest('f', 'attached', server='s'), bare).result
    ] == ['192.168.0.5']
    assert [
        made.fixed_ip
        for made in floating_ip.plan(
            FloatingIpRequest('f', 'attached', server='s', fixed_ip='10.0.0.5'), bare
        ).result
    ] == ['10.0.0.5']
    by_port = floating_ip.plan(FloatingIpRequest('f', 'attached', port='p'), bare).result[0]
    assert (by_port.server, by_port.port, by_port.fixed_ip) == ('s', 'p', '10.0.0.5')
    there = replace(
        bare,
        current=by_port,
        fixed_ips=(
            FixedIp('192.168.0.5', 's'),
            FixedIp('10.0.0.5', 's', port='p', floating_ip=F.address),
        ),
    )
    assert floating_ip.plan(FloatingIpRequest('f', 'attached', server='s'), there).changes == ()


def test_reason_of_completion() -> None:
    """The reason is the same for all kinds."""
    assert [
        change.why
        for change in volume.plan(
            volume_(size=4), volumes(replace(V, unfinished='creating'))
        ).changes
    ] == [COMPLETES_INTERRUPTED_RUN]
    assert [
        change.why
        for change in volume.plan(
            volume_('absent'), volumes(replace(V, unfinished='deleting'))
        ).changes
    ] == [COMPLETES_INTERRUPTED_RUN]


@pytest.mark.parametrize(
    'request_',
    [
        FlavorRequest('g1.tiny', 'absent'),
        FlavorRequest('g1.tiny', 'present', {'vcpus': 2}),
        FlavorRequest('g1.tiny', 'present', {'description': 'mine'}),
    ],
)
def test_built_in_flavors_stay(request_: FlavorRequest) -> None:
    """They are neither changed nor deleted."""
    planned = flavor.plan(request_, CATALOGUE)
    assert planned.changes == ()
    assert planned.refused == (
        'name: the flavor g1.tiny is built in and cannot be changed or deleted; use another name',
    )


def test_built_in_flavors() -> None:
    """Each entry passes the checks of flavors, and has its own name."""
    for name, there in CATALOGUE.items():
        options = {
            option: getattr(there, option) for option in ('vcpus', 'memory', 'disk', 'family')
        }
        assert (there.name, there.built_in) == (name, True)
        assert FlavorRequest(name, 'present', options).problems() == []
        assert flavor.plan(FlavorRequest(name, 'present', options), CATALOGUE).changes == ()


def test_group_as_a_member() -> None:
    """A group as a member means its current servers; later ones are added."""
    two = named(*(Server(f'web-{number}', member_of='web') for number in (1, 2, 10)), Server('s'))
    made = (
        lb.plan(lb_(members=('s', 'web', 'web-1')), lb.ObservedLbs({}, NETWORKS, two))
        .changes[0]
        .after
    )
    assert made.members == ('s', 'web-1', 'web-2', 'web-10')
    observed = lb.ObservedLbs(named(made), NETWORKS, two)
    assert lb.plan(lb_(members=('web', 's')), observed).changes == ()
    more = lb.ObservedLbs(named(made), NETWORKS, {**two, **named(Server('web-3', member_of='web'))})
    (change,) = lb.plan(lb_(members=('web', 's')), more).changes
    assert set(change.after.members) - set(change.before.members) == {'web-3'}


def test_image_of_another_source() -> None:
    """One that an interrupted run began keeps nothing of what that was to be made of."""
    begun = Image('i', 'path:/a', SHA256, disk_format='oci', description='d', unfinished='creating')
    observed = image.ObservedImages(named(begun))
    (change,) = image.plan(ImageRequest('i', 'present', {'source': 'path:/b'}), observed).changes
    made = change.new(Image)
    assert (made.source, made.checksum, made.disk_format) == ('path:/b', None, 'qcow2')
    assert made.description == 'd'
    (change,) = image.plan(ImageRequest('i', 'present', {}), observed).changes
    assert change.new(Image).checksum == SHA256
