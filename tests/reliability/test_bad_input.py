# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bad input: options, host.json and the record may contain anything.

The user gets a message before anything is changed, and no text becomes a command.
"""

# ruff: noqa: RUF001 (the characters are bad on purpose)
from __future__ import annotations

import ast
import json
import os
import random
import shutil
import sqlite3
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.hanok.cloud.plugins.module_utils._local.record.database import VERSION
from ansible_collections.hanok.cloud.tests.kept_records import write_version
from ansible_collections.hanok.cloud.tests.removal import REMOVAL

from . import figures
from .forks import ForkServer, ModuleRun
from .invariants import STATE, output_of, resources, violations

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = Path('/etc/hanok/host.json')
MODULES = sorted(
    path.stem for path in (ROOT / 'plugins' / 'modules').glob('*.py') if path.stem != '__init__'
)
SAMPLES: dict[str, Any] = yaml.safe_load((ROOT / 'tests' / 'sample_tasks.yml').read_text('utf-8'))
# Without recover, which is for records that cannot be read, and without what needs a server or a
# store that exists: server, server_info and backup_info read the same tables.
OTHERS = ('recover', 'backup', 'server_action', 'server_log')
READERS = [module for module in MODULES if module not in OTHERS]
BATCH = 16  # processes at the same time

MARK = 'MARKED'
# What is special for XML, nft, HAProxy, dnsmasq, YAML, JSON, SQL, a shell, a terminal, a file
# system, or a parser of numbers.
TEXTS = (
    *(
        '',
        ' ',
        '\n',
        '\t',
        '\0',
        '\x7f',
        '\x1b[31m',
        '\r\n',
        '\u2028',
        '\u202e',
        '\ud800',
        '\ufeff',
        'a b',
        'a\nb',
        'a\0b',
        'web\n',
        ' web',
        'web ',
    ),
    *(
        f'{MARK}\x1b]0;x\x07',
        f'{MARK}\nserver x 1.2.3.4:80',
        f'{MARK}; flush ruleset',
        f'{MARK} }} table ip x {{',
        f'{MARK},02:00:00:00:00:01,1.2.3.4',
    ),
    *(
        f'<{MARK}/>',
        f"'/><{MARK} a='",
        f'"><{MARK}>',
        f'&{MARK};',
        f']]>{MARK}',
        f'<!--{MARK}',
        f'%{MARK};',
    ),
    *(
        f'$({MARK})',
        f'`{MARK}`',
        f'${{{MARK}}}',
        f"'; {MARK} #",
        f'" ; {MARK} "',
        f'| {MARK}',
        f'&& {MARK}',
        f'> /tmp/{MARK}',
        '{{ 7 * 7 }}',
        '$HOME',
        '~',
    ),
    *(
        f"x' OR '{MARK}'='{MARK}",
        f"x'); DROP TABLE server; -- {MARK}",
        '%s%s%n',
        '{0}',
        '\\',
        '\\n',
        "'",
        '"',
        '`',
        '*',
        '?',
        '[a-z]',
        '^.*$',
    ),
    *(
        '-',
        '--',
        '-f',
        '--help',
        '.',
        '..',
        '../../etc/passwd',
        '/',
        '/etc/shadow',
        '/dev/zero',
        '/proc/self/environ',
        'file:///etc/passwd',
        'con:1',
        'json:{}',
    ),
    *(
        '0',
        '-0',
        '00',
        '-1',
        '1e400',
        'nan',
        'NaN',
        'inf',
        '0x10',
        '1_000',
        '٣',
        '１',
        '²',
        '9' * 40,
        '1.5',
        'true',
        'null',
        'none',
        'auto',
        'any',
        'default',
    ),
    *(
        '0.0.0.0',
        '255.255.255.255',
        '256.1.1.1',
        '1.2.3',
        '01.02.03.04',
        '192.168.0.1',
        '192.168.0.1/24',
        '10.0.0.0/7',
        '::1',
        'fe80::1%eth0',
        '10.0.0.0/33',
    ),
    *(
        '127.0.0.1',
        '224.0.0.1',
        '00:00:00:00:00:00',
        'ff:ff:ff:ff:ff:ff',
        '52:54:00:12:34:5G',
        '52-54-00-12-34-56',
        'group:',
        'group:default',
        'group:a b',
    ),
    *(
        '22-',
        '-22',
        '22-21',
        '0-0',
        '1-65536',
        '80,81',
        'é',
        '한옥',
        'ſ',
        'İ',
        'ß',
        'xn--',
        '🏠',
        'e\u0301',
        '١٢٧.0.0.1',
        'a' * 63,
        'a' * 64,
        'a' * 256,
    ),
    *(
        'web.',
        '.web',
        'web-',
        '-web',
        '_',
        'a..b',
        'A',
        'localhost',
        'lb',
        'sample',
        'x' * 100_000,
        '\U0010ffff',
        '[',
        '{',
        '(' * 300,
        '@',
        '!',
        '&a',
        '`a`',
        '[::0]',
    ),
)
NUMBERS = (
    0,
    -1,
    1,
    2,
    15,
    16,
    63,
    64,
    255,
    256,
    4094,
    65535,
    65536,
    2**31 - 1,
    2**31,
    2**63 - 1,
    2**63,
    2**64,
    -(2**63) - 1,
    10**30,
    10**400,
    1.5,
    -0.0,
    1e308,
)
OTHER_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    [],
    {},
    [None],
    [[]],
    [{}],
    {'': ''},
    {'a': {'b': 'c'}},
    {'a': None},
    {'a b': 'c'},
    [1, 'a'],
    ['a', 'a'],
    [['a']] * 3,
)


class Host:
    """The host, and the number of inputs tested."""

    def __init__(self, forks: ForkServer) -> None:
        """Count nothing yet."""
        self.forks, self.inputs = forks, 0

    def run_checked(
        self,
        tasks: list[tuple[str, dict[str, Any]]],
        check: bool = True,
        environment: dict[str, str] | None = None,
    ) -> list[ModuleRun]:
        """Run tasks; check that all of them end with a proper message."""
        batches = [tasks[first : first + BATCH] for first in range(0, len(tasks), BATCH)]
        ran = [one for batch in batches for one in self.forks.crowd(batch, check, environment)]
        self.inputs += len(tasks)
        assert not [f'{one.task}: {one.msg} {fault}' for one in ran for fault in one.faults()][:1]
        assert [one.task for one in ran if one.failed and not one.msg.strip()] == []
        return ran


@pytest.fixture(scope='module')
def fuzzed(host: None, tiny: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A host with one resource of each kind, named sample."""
    forks = ForkServer(str(tmp_path_factory.mktemp('here')))
    existing, before = Host(forks), resources()
    for module in (
        'keypair',
        'flavor',
        'image',
        'network',
        'security_group',
        'init_script',
        'port',
        'server',
        'volume',
        'floating_ip',
        'lb',
    ):
        made = forks.run(module, sample(module, tiny))
        assert made.changed, made.msg
    yield existing
    delete_added(forks, before)
    forks.close()
    figures.add('Bad input', inputs=existing.inputs)


def sample(module: str, image: str) -> dict[str, Any]:
    """The options that create a sample; a server is created stopped."""
    text = json.dumps(SAMPLES.get(module, {}).get('task', {}))
    for placeholder, value in (
        ('IMAGE', image),
        ('LARGER_FLAVOR', 'g1.micro'),
        ('FLAVOR', 'g1.nano'),
    ):
        text = text.replace(placeholder, value)
    found: dict[str, Any] = json.loads(text)
    return found


def sample_name(module: str) -> str:
    """The name of the sample."""
    name: str = SAMPLES.get(module, {}).get('task', {}).get('name', 'sample')
    return name


def delete_added(forks: ForkServer, existing: set[tuple[str, str]]) -> None:
    """Delete everything that did not exist before."""
    for kind in REMOVAL:
        tasks = [
            (kind, {'name': name, 'state': 'absent'})
            for of, name in sorted(resources() - existing)
            if of == kind
        ]
        left = [(one.task, one.msg) for one in forks.crowd(tasks) if one.failed] if tasks else []
        assert left == []
    assert violations() == []


def module_options(module: str) -> dict[str, Any]:
    """The options of a module, as Ansible gets them."""
    tree = ast.parse((ROOT / 'plugins' / 'modules' / f'{module}.py').read_text('utf-8'))
    texts = {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    doc = yaml.safe_load(ast.literal_eval(texts['DOCUMENTATION']))
    options: dict[str, Any] = doc.get('options', {})
    texts = ('cloud', 'project', 'actor')
    shared = {**dict.fromkeys(texts, 'str'), 'wait': 'bool', 'wait_timeout': 'int'}
    return {**options, **{option: {'type': type_} for option, type_ in shared.items()}}


def tasks_with_bad_option(
    base: dict[str, Any], option: str, spec: dict[str, Any], chance: random.Random
) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Tasks in which one option is replaced by everything that may be bad.

    Texts, numbers and values of other types, alone, in a list, or in a suboption.
    """
    values = [*TEXTS, *NUMBERS, *OTHER_VALUES]
    for value in values:
        yield value, {**base, option: value}
    if spec.get('type') == 'list':
        for value in values:
            yield value, {**base, option: [value]}
        yield 'many', {**base, option: [f'a{number}' for number in range(1000)]}
    for inner in spec.get('suboptions', {}):
        old = base.get(option)
        if isinstance(old, list) and old:
            old = old[0]
        existing = old if isinstance(old, dict) else {}
        for value in values:
            one = {**existing, inner: value}
            yield value, {**base, option: [one] if spec.get('type') == 'list' else one}
    if spec.get('type') == 'dict':
        for value in TEXTS:
            yield value, {**base, option: {value: 'a'}}
            yield value, {**base, option: {'a': value}}


def inputs(
    module: str, image: str, most: int | None, chance: random.Random
) -> list[tuple[str, dict[str, Any]]]:
    """Tasks with one bad option, for an existing and for a missing name.

    ``most`` is the maximum per option.
    """
    found = []
    names = (sample_name(module), 'another')
    bases = [{**sample(module, image), 'name': name} for name in names if module in SAMPLES]
    for option, spec in module_options(module).items():
        for base in bases or ({},):
            tasks = [task for _value, task in tasks_with_bad_option(base, option, spec, chance)]
            found += tasks if most is None else chance.sample(tasks, min(most, len(tasks)))
    return [(module, task) for task in found]


def state() -> list[str]:
    """The content of the record."""
    with sqlite3.connect(f'file:{STATE}/hanok.db?mode=ro', uri=True) as record:
        found = list(record.iterdump())
    record.close()
    return found


@pytest.mark.parametrize('module', MODULES)
def test_one_bad_option(module: str, fuzzed: Host, tiny: str, soak: bool) -> None:
    """Each option in turn is bad: check mode ends with a proper message and changes nothing.

    What check mode refuses, a run refuses too, and it changes nothing.
    """
    chance = random.Random(module)
    before = state()
    ran = fuzzed.run_checked(inputs(module, tiny, None if soak else 2, chance))
    assert state() == before
    refused = [one.task for one in ran if one.failed]
    repeated = fuzzed.run_checked(
        refused if soak else chance.sample(refused, min(4, len(refused))), check=False
    )
    assert [(one.task, one.msg) for one in repeated if not one.failed] == []
    assert state() == before


VALID_VALUES: dict[str, tuple[Any, ...]] = {
    # Values that are valid by themselves, and may contradict each other.
    'name': ('sample', 'another'),
    'state': ('present', 'absent', 'attached', 'detached', 'started', 'stopped'),
    'server': ('sample', 'another', 'sample-1'),
    'lb': ('sample-lb', 'another'),
    'port': ('sample', 'another', 80, '22-80'),
    'network': ('sample', 'default', 'another'),
    'networks': (
        [{'name': 'sample'}],
        [{'port': 'sample'}],
        [{'name': 'default', 'fixed_ip': '192.168.0.1'}],
        [{'port': 'sample'}] * 2,
        [{'name': 'sample'}] * 9,
        [{'name': 'default'}, {'bridge': 'br0'}],
    ),
    'security_groups': (['sample'], ['another'], ['default', 'sample'], ['a', 'b', 'c', 'd']),
    'key_name': ('sample', 'another'),
    'key_names': ([], ['sample'], ['sample', 'another'], ['sample'] * 2, ['a b']),
    'image': ('sample', 'another'),
    'flavor': ('sample', 'g1.nano', 'g1.large', 'another'),
    'init_script': ('sample', 'another'),
    'user_data': ('#!/bin/sh', '#cloud-config', 'x'),
    'floating_ip': ('auto', 'none', '198.18.0.1', '198.18.0.77', '10.0.0.1'),
    'address': ('198.18.0.1', '198.18.0.77', '10.0.0.1'),
    'fixed_ip': ('192.168.0.1', '192.168.0.77', '10.0.0.1'),
    'mac': ('52:54:00:00:00:01', '52:54:01:a8:00:02'),
    'cidr': ('192.168.0.0/24', '10.9.0.0/29', '192.168.1.0/24'),
    'gateway': ('192.168.0.1', '10.9.0.6', '10.9.0.7'),
    'pool': ('default', 'another'),
    'members': ([], ['sample'], ['another', 'sample']),
    'listeners': (
        [{'port': 80}],
        [{'port': 80}] * 2,
        [{'port': 1, 'protocol': 'TCP', 'member_port': 65535}],
        [],
    ),
    'rules': (
        [],
        [{'preset': 'ssh', 'port': 1}],
        [{'remote': 'another'}],
        [{'protocol': 'icmp', 'port': 8}],
        [{'remote': 'sample', 'protocol': 'tcp'}],
    ),
    'url': ('http://127.0.0.1:1/x', 'https://192.0.2.1/x'),
    'checksum': ('sha256:' + '0' * 64, 'sha512:' + '0' * 128),
    'count': (0, 1, 2, 500),
    'size': (1, 2, 5120),
    'volume_size': (1, 5120),
    'wait_timeout': (0, 1),
    'project': ('default',),
}


def contradicting_task(module: str, image: str, chance: random.Random) -> dict[str, Any]:
    """A task with several options, each of which may be valid by itself."""
    options = module_options(module)
    chosen = chance.sample(sorted(options), chance.randint(1, min(6, len(options))))
    task = sample(module, image) if chance.random() < 0.7 else {}
    for option in chosen:
        kind = options[option].get('type', 'str')
        values = (
            VALID_VALUES.get(option)
            or options[option].get('choices')
            or {'bool': (True, False), 'int': (1, 80), 'dict': ({},), 'list': ([],)}.get(
                kind, ('a',)
            )
        )
        task[option] = chance.choice(values)
    return {'path': image, **task} if option == 'path' else task


@pytest.mark.parametrize('module', MODULES)
def test_contradicting_options(module: str, fuzzed: Host, tiny: str, soak: bool) -> None:
    """Several options at once: as with one."""
    if module not in SAMPLES and not soak:
        pytest.skip('it has few options, which depend on nothing: make soak runs it')
    chance = random.Random(module)
    before = state()
    ran = fuzzed.run_checked(
        [
            (module, contradicting_task(module, tiny, chance))
            for _number in range(500 if soak else 6)
        ]
    )
    repeated = fuzzed.run_checked([one.task for one in ran if one.failed], check=False)
    assert [(one.task, one.msg) for one in repeated if not one.failed] == []
    assert state() == before


# ---- accepted texts are commands nowhere -------------------------------------

KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPIiYP0nBFNbnWEqM8sxUqWbLxTCdmcEVTEmWDGGL7ln'
DESCRIPTIONS = [text for text in TEXTS if text.isprintable() and len(text) < 250]


def test_descriptions_are_not_interpreted(fuzzed: Host, soak: bool) -> None:
    """Descriptions and labels may hold any printable text, and return it unchanged.

    Neither libvirt, nft, HAProxy nor dnsmasq ever reads it.
    """
    kinds = (
        'keypair',
        'flavor',
        'image',
        'network',
        'security_group',
        'init_script',
        'port',
        'server',
        'volume',
        'floating_ip',
        'lb',
    )
    for number, text in enumerate(DESCRIPTIONS if soak else DESCRIPTIONS[::4]):
        kind = kinds[number % len(kinds)]
        task = (
            kind,
            {
                'name': sample_name(kind),
                'description': text,
                'labels': {'text': text},
                **({'state': 'stopped'} if kind == 'server' else {}),
            },
        )
        (result,) = fuzzed.run_checked([task], check=False)
        assert not result.failed, (result.task, result.msg)
        assert (result.result[kind]['description'], result.result[kind]['labels']['text']) == (
            text,
            text,
        )
        assert MARK not in projections()
    assert violations() == []


def without_metadata(text: str) -> str:
    """A libvirt definition without our metadata, which no other program reads."""
    root = ET.fromstring(text)
    for metadata in root.findall('metadata'):
        assert not [element.tag for element in metadata.iter() if MARK in element.tag]
        root.remove(metadata)
    return ET.tostring(root, encoding='unicode')


def projections() -> str:
    """Everything that we write and other programs read."""
    texts = [output_of('nft', 'list', 'ruleset')]
    for uri in ('qemu:///system', 'lxc:///system'):
        texts += [
            without_metadata(output_of('virsh', '-c', uri, 'dumpxml', name))
            for name in output_of('virsh', '-c', uri, 'list', '--all', '--uuid').split()
        ]
    texts += [
        output_of('virsh', 'net-dumpxml', name)
        for name in output_of('virsh', 'net-list', '--all', '--name').split()
    ]
    files = [
        *STATE.glob('balancers/**/haproxy.cfg'),
        *STATE.glob('balancers/**/run'),
        *STATE.glob('datapath/*'),
        *Path('/var/lib/libvirt/dnsmasq').glob('*'),
    ]
    return '\n'.join([*texts, *(path.read_text('utf-8') for path in files if path.is_file())])


# Names that a parser may take for numbers, words or dates (YAML 1.1).
NAMES = (
    '1',
    '007',
    '0x1f',
    '1e3',
    '12-30',
    '2001-01-01',
    'on',
    'No',
    'null',
    'true',
    'y',
    '0b1',
    '190-20-30',
    'inf',
)
COMMENTS = (
    '',
    'me@here',
    'a: b',
    '- x',
    ' #1',
    "it's",
    '"quoted"',
    '[a]',
    '{a: b}',
    '&anchor',
    '*alias',
    '!tag',
    '%x',
    '@x',
    '`x`',
    '| x',
    '> x',
    '한옥',
    'a  b',
)


def test_seed_is_quoted(fuzzed: Host, soak: bool) -> None:
    """The first-boot disk is read as YAML: names and key comments are texts, keys are complete."""
    for number, comment in enumerate(COMMENTS if soak else COMMENTS[::3]):
        name = NAMES[number % len(NAMES)]
        (pair,) = fuzzed.run_checked(
            [('keypair', {'name': 'seed', 'public_key': f'{KEY} {comment}'})], check=False
        )
        assert not pair.failed, pair.msg
        options = {
            'name': name,
            'image': 'sample',
            'flavor': 'g1.nano',
            'state': 'stopped',
            'key_name': 'seed',
        }
        (made,) = fuzzed.run_checked([('server', options)], check=False)
        assert not made.failed, made.msg
        seed = STATE / 'servers' / made.result['server']['id'] / 'seed.iso'
        meta = yaml.safe_load(output_of('isoinfo', '-J', '-x', '/meta-data', '-i', str(seed)))
        assert meta['local-hostname'] == name
        assert meta['instance-id'] == made.result['server']['id']
        assert [key.split()[:2] for key in meta['public-keys']] == [KEY.split()], comment
        for kind, existing in (('server', name), ('keypair', 'seed')):
            assert not fuzzed.run_checked(
                [(kind, {'name': existing, 'state': 'absent'})], check=False
            )[0].failed


PATHS = (
    '/',
    '/%',
    '/%[src]',
    '/%20',
    '/a%2',
    '/~',
    '/;',
    '/,',
    '/@',
    '/a?b=c&d=+',
    '/:',
    '/-',
    '/.',
    '/..',
    '//',
    '/%{+Q}o',
    '/&',
    '/=',
    '/a' * 120,
)


def test_health_check_paths(fuzzed: Host, soak: bool) -> None:
    """A health check path is passed to HAProxy unchanged, or refused before anything is changed."""
    for path in PATHS if soak else PATHS[::2]:
        before = state()
        task = ('lb', {'name': 'sample-lb', 'members': ['sample'], 'health_check': {'path': path}})
        (predicted,), (result,) = (
            fuzzed.run_checked([task]),
            fuzzed.run_checked([task], check=False),
        )
        assert (predicted.failed, predicted.changed) == (result.failed, result.changed), (
            path,
            result.msg,
        )
        assert state() == before or not result.failed
        assert f' uri {path}\n' in projections() or result.failed
    assert violations() == []


FILES = (
    '-f',
    '--help',
    'a b',
    "it's",
    'a"b',
    'a;b',
    '$(touch x)',
    'a\nb',
    '한옥',
    'json:{}',
    'nbd:localhost:1',
    'fat:x',
    'a,b',
    'a=b,c',
    '%s',
    '{}',
    '<x>',
    'x' * 200,
)


@pytest.mark.parametrize('name', FILES)
def test_file_names(name: str, fuzzed: Host, tmp_path: Path) -> None:
    """A file may have any name: it is read, or refused with a message; no other file is touched."""
    (tmp_path / name).unlink(missing_ok=True)
    output_of('qemu-img', 'create', '-q', '-f', 'qcow2', str(tmp_path / 'disk'), '1M')
    (tmp_path / 'disk').rename(tmp_path / name)
    existing = os.listdir(tmp_path)
    for path in (str(tmp_path / name), name):
        made, deleted = (
            fuzzed.run_checked([('image', {'name': 'file', **options})], check=False)[0]
            for options in ({'path': path}, {'state': 'absent'})
        )
        # The directory in which modules run has no such file.
        assert made.failed == (path == name), (path, made.msg)
        assert not deleted.failed
        key_options = ('public_key_file', 'private_key_file')
        if path == name:
            key_options = key_options[:1]
        predicted = fuzzed.run_checked(
            [('keypair', {'name': 'file', option: path}) for option in key_options]
        )
        assert all(one.failed for one in predicted), [one.msg for one in predicted]
    assert os.listdir(tmp_path) == existing
    key = fuzzed.run_checked(
        [('keypair', {'name': 'file', 'private_key_file': str(tmp_path / f'{name}.pem')})],
        check=False,
    )[0]
    assert not key.failed, key.msg
    assert (tmp_path / f'{name}.pem').stat().st_mode & 0o777 == 0o600
    assert not fuzzed.run_checked([('keypair', {'name': 'file', 'state': 'absent'})], check=False)[
        0
    ].failed


# ---- the record and the settings -------------------------------------------


def damaged_records(complete: bytes, soak: bool) -> Iterator[tuple[str, bytes]]:
    """Damaged records."""
    chance, page = random.Random(11), 4096
    sizes = [
        0,
        1,
        15,
        16,
        99,
        100,
        101,
        page - 1,
        page,
        page + 1,
        len(complete) // 2,
        len(complete) - page,
        len(complete) - 1,
    ]
    sizes += list(range(0, len(complete), 512)) if soak else []
    for size in sizes:
        yield f'cut at {size}', complete[:size]
    for _number in range(200 if soak else 6):
        where, length = chance.randrange(len(complete)), chance.choice((1, 16, page))
        yield (
            f'{length} bytes of garbage at {where}',
            complete[:where] + chance.randbytes(length) + complete[where + length :],
        )
    yield 'text', b'this is no record\n' * 1000
    yield 'zeros', bytes(len(complete))
    yield 'noise', chance.randbytes(len(complete))


def copy_record(folder: Path) -> Path:
    """A copy of the record in an empty state directory."""
    state = folder / 'state'
    state.mkdir()
    with (
        sqlite3.connect(f'file:{STATE}/hanok.db?mode=ro', uri=True) as record,
        sqlite3.connect(state / 'hanok.db') as copy,
    ):
        record.backup(copy)
        copy.execute('PRAGMA journal_mode = WAL')
    record.close()
    copy.close()
    assert os.listdir(state) == ['hanok.db']
    return state


def probes(chance: random.Random, image: str, soak: bool) -> list[tuple[str, dict[str, Any]]]:
    """Tasks of modules that read the record: all, or a sample."""
    tasks = [
        (module, {**sample(module, image), 'name': name} if module in SAMPLES else {})
        for module in READERS
        for name in (sample_name(module), 'another')
    ]
    return tasks if soak else chance.sample(tasks, 6)


def test_damaged_record(fuzzed: Host, tiny: str, tmp_path: Path, soak: bool) -> None:
    """Each module reads what it can, or reports the damage with the path of the record.

    Check mode and refused tasks leave it unchanged.
    """
    state = copy_record(tmp_path)
    path, chance = state / 'hanok.db', random.Random(5)
    for what, damaged in damaged_records(path.read_bytes(), soak):
        for check in (True, False):
            for leftover in state.iterdir():
                shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
            path.write_bytes(damaged)
            tasks = (
                probes(chance, tiny, soak)
                if check
                else [('flavor', {'name': 'new', 'vcpus': 1, 'memory': 64, 'disk': 1})]
            )
            ran = fuzzed.run_checked(tasks, check, {'HANOK_STATE': str(state)})
            assert [
                (what, one.task, one.msg)
                for one in ran
                if one.failed and not is_explained(one, path)
            ] == []
            assert path.read_bytes() == damaged or not (check or ran[0].failed), what


def is_explained(one: ModuleRun, path: Path) -> bool:
    """Whether a failure names the record, or is a refusal: all that was read was valid."""
    return str(path) in one.msg or one.msg.startswith('refused: ')


GARBAGE = {
    'keypair': ('name', 'public_key', 'labels'),
    'flavor': ('family', 'vcpus', 'labels'),
    'image': ('source', 'size', 'labels', 'task_state', 'uuid'),
    'network': ('cidr', 'gateway', 'labels', 'task_state', 'uuid'),
    'security_group': ('name', 'labels'),
    'security_group_rule': ('direction', 'protocol', 'port_min', 'remote_cidr'),
    'server': (
        'name',
        'vcpus',
        'memory',
        'power',
        'labels',
        'task_state',
        'uuid',
        'flavor',
    ),
    'balancer': ('name', 'algorithm', 'listeners', 'health_check', 'labels', 'task_state'),
    'port': ('address', 'mac', 'position', 'name', 'labels'),
    'floating_ip': ('address', 'pool', 'labels'),
    'volume': ('name', 'size', 'labels', 'task_state', 'uuid', 'bootable'),
    'init_script': ('name', 'content', 'labels'),
    'meta': ('key', 'value'),
}
VALUES = (
    '',
    'x',
    '\0',
    '{}',
    '[]',
    'null',
    '[1]',
    '{"a": 1}',
    -1,
    2**62,
    1.5,
    b'\xff\xfe',
    "'><x>",
    'a\nb',
)
UNDECODABLE = "CAST(x'fffe' AS TEXT)"


def test_record_with_invalid_values(fuzzed: Host, tiny: str, tmp_path: Path, soak: bool) -> None:
    """Values that we never write, in any column: each module that reads one ends with a message."""
    state, chance = copy_record(tmp_path), random.Random(6)
    complete = (state / 'hanok.db').read_bytes()
    for table, columns in GARBAGE.items():
        for column in columns:
            for value in VALUES if soak else chance.sample(VALUES, 1):
                (state / 'hanok.db').write_bytes(complete)
                with sqlite3.connect(state / 'hanok.db') as record:
                    row = (
                        "key = 'revision'"
                        if table == 'meta'
                        else f'id = (SELECT max(id) FROM {table})'
                    )
                    record.execute(
                        f'UPDATE OR IGNORE {table} SET {column} = ? WHERE {row}', (value,)
                    )
                    if value == b'\xff\xfe':
                        record.execute(
                            f'UPDATE OR IGNORE {table} SET {column} = {UNDECODABLE} WHERE {row}'
                        )
                record.close()
                kind = {
                    'security_group_rule': 'security_group',
                    'balancer': 'lb',
                    'meta': 'network',
                }.get(table, table)
                fuzzed.run_checked(
                    [
                        *probes(chance, tiny, soak)[: None if soak else 2],
                        (f'{kind}_info', {}),
                        (kind, sample(kind, tiny)),
                    ],
                    environment={'HANOK_STATE': str(state)},
                )


# Invalid exports, and one of a newer version.
EXPORTS: tuple[Any, ...] = (
    *(
        '',
        '{',
        '[]',
        'null',
        '1',
        '"x"',
        '{}',
        {'version': 'x'},
        {'version': []},
        {'version': VERSION + 1},
    ),
    *(
        {'version': VERSION, table: rows}
        for table in ('security_group', 'server', 'image', 'port', 'meta')
        for rows in ([{}], [{'uuid': []}], [[]], {}, [None])
    ),
    {
        'version': VERSION,
        'security_group': [{'name': 'default', 'description': {}, 'labels': 2**70}],
    },
    {'version': VERSION, 'meta': [{'key': 'lost', 'value': '{'}]},
)


def test_invalid_exports(fuzzed: Host, tmp_path: Path) -> None:
    """A recovery reports what is wrong with the export, or does without it.

    An export of a newer version is left alone.
    """
    state = copy_record(tmp_path)
    (state / 'hanok.db').unlink()
    exports = [export if isinstance(export, str) else json.dumps(export) for export in EXPORTS]
    complete = (STATE / 'hanok.json').read_text('utf-8')
    chance = random.Random(7)
    exports += [complete[: chance.randrange(len(complete))] for _number in range(10)]
    for text in exports:
        (state / 'hanok.json').write_text(text, 'utf-8')
        (predicted,) = fuzzed.run_checked(
            [('recover', {})], environment={'HANOK_STATE': str(state)}
        )
        assert not predicted.failed or 'hanok.json' in predicted.msg, (text, predicted.msg)
        assert ('update the collection' in predicted.msg) == (
            text == json.dumps({'version': VERSION + 1})
        )
        assert os.listdir(state) == ['hanok.json']


@pytest.mark.parametrize('version', range(VERSION + 2))
def test_records_of_other_versions(version: int, fuzzed: Host, tiny: str, tmp_path: Path) -> None:
    """Older records are read, and upgraded by a change; newer ones are not touched."""
    state = tmp_path / 'state'
    state.mkdir()
    write_version(state / 'hanok.db', min(version, VERSION))
    with closing(sqlite3.connect(state / 'hanok.db', isolation_level=None)) as record:
        record.execute(f'PRAGMA user_version = {version}')
    environment = {'HANOK_STATE': str(state)}
    before = (state / 'hanok.db').read_bytes()
    readers = [(module, sample(module, tiny)) for module in READERS]
    ran = fuzzed.run_checked(readers, True, environment)
    assert (state / 'hanok.db').read_bytes() == before
    (result,) = fuzzed.run_checked([('flavor', sample('flavor', tiny))], False, environment)
    if 0 < version <= VERSION:
        assert [(one.task, one.msg) for one in ran if one.failed] == []
        assert result.changed
        (repeated,) = fuzzed.run_checked([('flavor', sample('flavor', tiny))], False, environment)
        assert not repeated.changed
    else:
        assert all(one.failed and str(state / 'hanok.db') in one.msg for one in [*ran, result])
        assert (state / 'hanok.db').read_bytes() == before


INVALID_SETTINGS: tuple[Any, ...] = (
    *(
        '',
        ' ',
        '{',
        '}',
        '[',
        'null',
        '1',
        '"x"',
        '[]',
        '[[]]',
        '\ufeff{}',
        'x' * 1000,
        '[' * 100_000,
        '{"a":' * 100_000,
        '\0',
        '{"virt_type": "auto"',
        "{'a': 1}",
    ),
    *({'virt_type': value} for value in ('', 'xen', 1, None, [], {}, True)),
    *(
        {'floating_pools': value}
        for value in (
            '',
            'x',
            1,
            {},
            [1],
            ['x'],
            [[]],
            [{}],
            [{'name': 'a'}],
            [{'addresses': []}],
            None,
        )
    ),
    *(
        {'floating_pools': [{'name': name, 'addresses': ['198.18.0.0/24']}]}
        for name in (1, None, [], '', 'a b', 'a\nb', '<a>', '\ud800', 'x' * 1000)
    ),
    *(
        {'floating_pools': [{'name': 'a', 'addresses': [one]}]}
        for one in (
            '',
            'x',
            1,
            None,
            [],
            {},
            '10.0.0.1/24',
            '0.0.0.0/0',
            '::/64',
            '10.0.0.0/33',
            1.5,
            True,
        )
    ),
    *(
        {'floating_pools': [{'name': 'a', 'addresses': [one]}]}
        for one in (
            '127.0.0.0/24',
            '224.0.0.0/24',
            '169.254.0.0/24',
            '0.0.0.0/24',
            '255.255.255.255',
        )
    ),
    *(
        {'floating_pools': [{'name': 'a', 'addresses': ['198.18.0.0/24'], 'uplink': one}]}
        for one in ('', 'a b', 'x\nlink del lo', 'a/b', 1, [], 'x' * 16, '-f', '..')
    ),
    {
        'floating_pools': [
            {'name': 'a', 'addresses': ['198.18.0.0/24']},
            {'name': 'a', 'addresses': ['198.18.1.0/24']},
        ]
    },
    {'floating_pools': [{'name': 'a', 'addresses': ['198.18.0.0/24', '198.18.0.0/25']}]},
    {
        'floating_pools': [
            {'name': 'a', 'addresses': ['198.18.0.0/24']},
            {'name': 'b', 'addresses': ['198.18.0.0/16']},
        ]
    },
)


def test_invalid_settings(fuzzed: Host, tiny: str, tmp_path: Path) -> None:
    """Each invalid setting is reported with its file; none is used, by readers and by changes."""
    path = tmp_path / 'host.json'
    for raw in INVALID_SETTINGS:
        path.write_text(raw if isinstance(raw, str) else json.dumps(raw), 'utf-8')
        tasks = [('floating_ip_info', {}), ('floating_ip', {'name': 'new'}), ('server_info', {})]
        for check in (True, False):
            ran = fuzzed.run_checked(
                tasks,
                check,
                {'HANOK_CONFIG': str(tmp_path), 'HANOK_STATE': str(tmp_path / 'state')},
            )
            assert [
                (raw, one.task, one.msg)
                for one in ran
                if not one.failed or str(path) not in one.msg
            ] == []
        assert not (tmp_path / 'state').exists()
    path.unlink()
    path.mkdir()
    assert all(
        str(path) in one.msg
        for one in fuzzed.run_checked(tasks, False, {'HANOK_CONFIG': str(tmp_path)})
    )
