# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Random tasks of all modules, with few names, so that they meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Any

from hypothesis import strategies as st

from ansible_collections.hanok.cloud.plugins.module_utils._model.server_action import ACTIONS
from ansible_collections.hanok.cloud.tests.option_values import option_values

Step = tuple[str, dict[str, Any]]
# By module: the required options, and the optional ones.
Options = Mapping[str, Sequence[tuple[dict[str, Any], dict[str, Any]]]]

KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPIiYP0nBFNbnWEqM8sxUqWbLxTCdmcEVTEmWDGGL7l'
ADDRESSES = ('198.18.0.7', '198.18.0.8', '10.99.0.1')
CIDRS = ('10.50.0.0/24', '10.50.0.0/25', '10.51.0.0/29', '192.168.0.0/24')


def one(*values: Any) -> st.SearchStrategy[Any]:
    """One of some values."""
    return st.sampled_from(values)


def some(*values: Any, least: int = 0) -> st.SearchStrategy[list[Any]]:
    """Up to two of some values, in any order."""
    chosen = [item for number in range(least, 3) for item in permutations(values, number)]
    return st.sampled_from([list(item) for item in chosen])


DESCRIBED = {
    'description': one('', 'one', "it's <another> & more"),
    'labels': st.dictionaries(one('a', 'b'), one('1', 'x: y'), max_size=2),
}
PRESENT = {'state': one('present', 'present', 'present', 'absent')}
GROUPS = some('default', 'red', 'blue')
NIC = st.one_of(
    st.fixed_dictionaries(
        {'name': one('default', 'lan')},
        optional={
            'security_groups': some('default', 'red', 'blue', least=1),
            'fixed_ip': one('192.168.0.9', '10.50.0.9'),
        },
    ),
    st.fixed_dictionaries({'port': one('p', 'q')}),
    st.fixed_dictionaries({'bridge': one('br0', 'br0', 'br9')}),
)
RULE = st.one_of(
    st.fixed_dictionaries(
        {'preset': one('ssh', 'http', 'all_icmp')}, optional={'direction': one('ingress', 'egress')}
    ),
    st.fixed_dictionaries(
        {'protocol': one('tcp', 'udp')},
        optional={'port': one('22', '80-90'), 'remote': one('any', '10.0.0.0/8', 'red', 'blue')},
    ),
)
LISTENER = st.fixed_dictionaries(
    {'port': one(80, 81)}, optional={'protocol': one('http', 'tcp'), 'member_port': one(8080)}
)
SERVER = {
    'flavor': one('g1.nano', 'g1.micro', 'own'),
    'image': one('oracle', 'oracle', 'oracle', 'copy'),
    'key_name': one('k'),
    'key_names': st.just(['k']),
    'security_groups': GROUPS,
    'networks': st.lists(NIC, max_size=2),
    'user_data': one('#!/bin/sh\n', '#cloud-config\n'),
    'init_script': one('i'),
    'volume_size': one(1, 2, 5),
    'floating_ip': one('auto', 'none', *ADDRESSES),
    **option_values('server', 'server_effects'),
    'hardware': st.fixed_dictionaries(
        {},
        optional={
            'os_type': one('linux', 'windows', 'other'),
            'cores': one(1, 2),
            'disk_bus': one('virtio', 'scsi', 'sata'),
            'nic_model': one('virtio', 'rtl8139'),
            'cpu_model': one('maximum', 'qemu64', 'unknown'),
            'boot_order': one(['disk'], ['network', 'disk']),
            'firmware': one('bios', 'efi'),
            'secure_boot': st.booleans(),
            'tpm': st.booleans(),
            'cdroms': one([], ['disc'], ['oracle']),
        },
    ),
    'allow_shrink': st.booleans(),
    'allow_restart': st.booleans(),
    'repair': st.booleans(),
    'delete_snapshots': st.booleans(),
    'on_drift': one('ignore', 'recreate'),
    **DESCRIBED,
}
SIZED = {'vcpus': one(1, 2), 'memory': one(128, 512), 'image': st.just('oracle')}
UNSIZED = {option: values for option, values in SERVER.items() if option != 'flavor'}
ACTED = {'name': one('a', 'b', 'g', 'g-1')}
PLAIN_ACTIONS = tuple(name for name, action in ACTIONS.items() if not action.required)
TURNS = {'max_unavailable': one(1, 3)}
POWER = one('stopped', 'stopped', 'started', 'present', 'absent')
CREATED = {'image': st.just('oracle'), 'flavor': st.just('g1.nano')}
OPTIONS: Options = {
    'server': [
        ({'name': one('a', 'b'), 'state': POWER, **CREATED}, SERVER),
        ({'name': one('a', 'b', 'g-1'), 'state': POWER}, SERVER),
        ({'name': one('a', 'b', 'g-1'), 'state': POWER, **SIZED}, UNSIZED),
        (
            {'name': one('g', 'a'), 'count': one(0, 1, 2, 3), 'state': POWER, **CREATED},
            {key: SERVER[key] for key in SERVER if key != 'repair'},
        ),
    ],
    'volume': [
        ({'name': one('v', 'w'), 'size': one(1, 2)}, {**PRESENT, **DESCRIBED}),
        ({'name': one('a/root', 'g-1/root'), 'size': one(1, 2, 4)}, {**PRESENT, **DESCRIBED}),
        ({'name': one('v', 'w'), 'image': st.just('oracle')}, {'size': one(1, 2), **DESCRIBED}),
        (
            {'name': one('v', 'w'), 'source_volume': one('v', 'w', 'a/root', 'b/root')},
            {'size': one(1, 2)},
        ),
        ({'name': one('v', 'w'), 'snapshot': one('v/s', 'w/s')}, {'size': one(1, 2)}),
        (
            {'name': one('v', 'w', 'a/root')},
            {
                'state': one('attached', 'detached', 'absent'),
                'server': one('a', 'b', 'g-1'),
                'force': st.booleans(),
                'size': one(1, 2),
            },
        ),
    ],
    'server_action': [
        ({**ACTED, 'action': one(*PLAIN_ACTIONS)}, TURNS),
        ({**ACTED, 'action': one('rebuild', 'rescue')}, {'image': one('oracle', 'copy'), **TURNS}),
        (
            {**ACTED, 'action': st.just('resize'), 'flavor': one('g1.nano', 'g1.micro', 'own')},
            TURNS,
        ),
        ({'labels': st.just({'a': '1'}), 'action': one('stop', 'start', 'rebuild')}, TURNS),
        (
            {'name': one('a', 'b'), 'action': st.just('rename'), 'new_name': one('b', 'c')},
            {'wait_for': st.just('running')},
        ),
    ],
    'volume_snapshot': [
        (
            {'name': one('s', 't'), 'volume': one('v', 'w')},
            {'state': one('present', 'restored', 'absent'), **DESCRIBED},
        ),
    ],
    'backup': [
        (
            {
                'name': one('x', 'y'),
                'state': one('present', 'present', 'restored', 'absent', 'aborted'),
            },
            {'server': one('a', 'b', 'g-1'), **option_values('backup', 'backup'), **DESCRIBED},
        ),
        (
            {'name': one('x', 'y', 'z'), 'server': one('a', 'b')},
            {'keep_last': one(1, 2), 'keep_daily': one(1), **option_values('backup', 'backup')},
        ),
    ],
    'server_snapshot': [
        (
            {'name': one('s', 't'), 'server': one('a', 'b', 'g-1')},
            {
                'state': one('present', 'restored', 'absent'),
                'memory': st.booleans(),
                **DESCRIBED,
            },
        ),
    ],
    'floating_ip': [
        (
            {'name': one('f', 'e', '198.18.0.8')},
            {**PRESENT, 'address': one(*ADDRESSES), 'pool': one('default'), **DESCRIBED},
        ),
        (
            {'state': one('attached', 'detached', 'absent', 'present')},
            {
                'name': one('f', 'e'),
                'address': one(*ADDRESSES),
                'server': one('a', 'b'),
                'lb': one('l'),
                'port': one('p'),
                'fixed_ip': one('192.168.0.9'),
            },
        ),
    ],
    'lb': [
        (
            {'name': one('l', 'm'), 'listeners': st.lists(LISTENER, max_size=2)},
            {
                **PRESENT,
                'members': some('a', 'b', 'g-1'),
                'algorithm': one('round_robin', 'source_ip', 'LEAST_CONNECTIONS'),
                'network': one('default', 'lan'),
                'floating_ip': one('auto', 'none', *ADDRESSES),
                'health_check': st.fixed_dictionaries(
                    {},
                    optional={
                        'protocol': one('http', 'tcp'),
                        'port': one(8080),
                        'path': one('/', '/ok?a=b'),
                    },
                ),
                **DESCRIBED,
            },
        ),
    ],
    'security_group': [
        (
            {'name': one('red', 'blue', 'default')},
            {
                **PRESENT,
                'rules': st.lists(RULE, max_size=3),
                'purge_rules': st.booleans(),
                **DESCRIBED,
            },
        )
    ],
    'network': [
        (
            {'name': one('lan', 'wan')},
            {
                **PRESENT,
                'cidr': one(*CIDRS),
                'gateway': one('10.50.0.1', '10.50.0.9', '10.51.0.6'),
                **DESCRIBED,
            },
        )
    ],
    'port': [
        (
            {'name': one('p', 'q')},
            {
                **PRESENT,
                'network': one('default', 'lan'),
                'fixed_ip': one('192.168.0.9', '10.50.0.9'),
                'security_groups': GROUPS,
                'mac': one('52:54:00:00:00:99'),
                **DESCRIBED,
            },
        ),
    ],
    'keypair': [
        (
            {'name': one('k')},
            {**PRESENT, 'public_key': one(KEY + 'n', KEY + 'n there', KEY + 'o'), **DESCRIBED},
        )
    ],
    'init_script': [
        (
            {'name': one('i')},
            {**PRESENT, 'content': one('#!/bin/sh\n', '#!/bin/sh\ntrue\n'), **DESCRIBED},
        )
    ],
    'flavor': [
        (
            {'name': one('own', 'g1.nano')},
            {
                **PRESENT,
                'vcpus': one(1, 2),
                'memory': one(128, 256),
                'disk': one(1, 2),
                'family': one('cpu'),
                'max_vcpus': one(1, 2),
                'max_memory': one(256),
                'visibility': one('private', 'shared', 'public'),
                'shared_with': one([], ['other']),
                'limits': one({}, {'disk_iops': 500}, {'disk_read_mib': 9, 'disk_write_mib': 9}),
                **DESCRIBED,
            },
        )
    ],
    'image': [({'name': one('copy')}, {**PRESENT, 'server': one('a', 'b'), **DESCRIBED})],
}


@st.composite
def tasks(draw: st.DrawFn, options: Options) -> Step:
    """A task of any module; of server most often."""
    module = draw(one('server', 'server', 'server', *options))
    required, optional = draw(one(*options[module]))
    chosen = draw(st.lists(one(*sorted(set(optional) - set(required))), max_size=4, unique=True))
    return module, draw(
        st.fixed_dictionaries({**required, **{option: optional[option] for option in chosen}})
    )


def is_event(step: Step) -> bool:
    """Whether a task does something each time."""
    module, options = step
    if module == 'server_action':
        return ACTIONS[options['action']].is_event
    is_copy = module in ('server_snapshot', 'volume_snapshot', 'backup')
    return is_copy and options.get('state') == 'restored'
