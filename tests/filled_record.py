# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A record with rows in each table."""

from __future__ import annotations

from ansible_collections.hanok.cloud.plugins.module_utils._local.record.record import Record


def fill(record: Record) -> dict[str, int]:
    """Insert a row in every table except meta; return the ids by table."""
    ids = {}

    def add(table: str, **values: str | int | None) -> None:
        ids[table] = record.writer.insert_row(table, values)

    add('keypair', name='k', public_key='ssh-ed25519 A')
    add('flavor', name='f', family='general', vcpus=1, memory=512, disk=4, description='')
    add('image', uuid='i', name='i', source='path:/i', description='', labels='{}')
    add(
        'network',
        uuid='n',
        name='n',
        cidr='10.0.0.0/24',
        gateway='10.0.0.1',
        description='',
        labels='{}',
    )
    add('security_group', name='g', description='')
    add(
        'security_group_rule',
        group_id=ids['security_group'],
        direction='ingress',
        protocol='any',
        remote_cidr='any' if record.version > 4 else '0.0.0.0/0',
    )
    server: dict[str, str | int | None] = {
        'member_of': None,
        'vcpus': 1,
        'memory': 512,
        'image_id': ids['image'],
        'key_name': 'k',
        'power': 'started',
    }
    if record.version < 6:
        server['volume_size'] = 4
    add('server', uuid='s', name='s', delete_protection=0, description='', labels='{}', **server)
    add(
        'balancer',
        uuid='b',
        name='b',
        algorithm='source_ip',
        listeners='[]',
        description='',
        labels='{}',
    )
    add('balancer_member', balancer_id=ids['balancer'], server_id=ids['server'])
    add(
        'port',
        network_id=ids['network'],
        server_id=ids['server'],
        position=0,
        address='10.0.0.5',
        mac='52:54:00:00:00:05',
    )
    add('port_security_group', port_id=ids['port'], group_id=ids['security_group'])
    add(
        'floating_ip',
        name='a',
        address='172.24.0.9',
        pool='p',
        port_id=ids['port'],
        automatic=0,
        description='',
        labels='{}',
    )
    add('volume', uuid='v', name='v', size=1, server_id=ids['server'], description='', labels='{}')
    if record.version > 1:
        add('init_script', name='i', content='#!/bin/sh', description='', labels='{}')
    if record.version > 3:
        add('server_keypair', server_id=ids['server'], keypair_id=ids['keypair'], position=1)
    if record.version > 7:
        add('bridge_port', server_id=ids['server'], bridge='br0', mac='52:54:00:00:00:0b')
    if record.version > 7:
        add(
            'schedule',
            uuid='sc',
            name='nightly',
            action='backup',
            on_calendar='daily',
            servers='["s"]',
            server_labels='{}',
            options='{"keep_last": 7}',
            description='',
            labels='{}',
        )
        add(
            'project',
            name='default',
            quotas='{"servers": 9}',
            members='{"me": "admin"}',
            description='',
            labels='{}',
        )
    if record.version > 6:
        add(
            'server_snapshot',
            uuid='t',
            name='s/before',
            server_id=ids['server'],
            memory=1,
            hardware='{}',
            description='',
            labels='{}',
        )
        if record.version > 7:
            add('volume_reader', volume_id=ids['volume'], server_id=ids['server'])
            add(
                'volume_snapshot',
                uuid='w',
                name='v/before',
                volume_id=ids['volume'],
                size=1,
                description='',
                labels='{}',
            )
        if record.version > 7:
            add(
                'backup',
                uuid='x',
                name='x',
                server='s',
                server_uuid='s',
                store='disk',
                mode='snapshot',
                volume_size=4,
                config='{}',
                size=1,
                checksum='sha256:0',
                application=None,
                volumes=None,
                description='',
                labels='{}',
            )
        add(
            'server_snapshot_disk',
            snapshot_id=ids['server_snapshot'],
            volume_id=ids['volume'],
            size=1,
        )
    return ids
