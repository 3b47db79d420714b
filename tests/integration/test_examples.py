# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The examples of the documentation work: each runs, and a second run changes nothing.

One that requests an event is run once: the event is predicted again. make soak compares each run
with its prediction, too; in make test the contract does that, for all modules.

All tasks run in one playbook, which tests/tools/examples.py writes, after examples/stage.yml; each
play of a README runs unchanged. A module, role or document that is added is covered without further
work. An example that is not run gives the reason in a comment; the reasons are printed.
"""

from __future__ import annotations

import functools
import hashlib
import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.hanok.cloud.tests.tools.examples import (
    Example,
    find,
    playbook,
    without_names,
)

from .conftest import ROOT, Play, inventory, pretended_systemd, run, what_failed

DISC = bytes(0x8001) + b'CD001' + bytes(2042)  # no more of an ISO image is looked at
STAGE = 'tests/integration/examples/stage.yml'
RECORD = Path('/var/lib/hanok/hanok.json')
SETTINGS = Path('/etc/hanok/host.json')
# Run by test_openstack and test_roles.
ELSEWHERE = ('docs/openstack.md', 'roles/backup/README.md', 'roles/scale/README.md')
EXAMPLES = [example for example in find(ROOT) if example.path not in ELSEWHERE]
TASKS = [
    example
    for example in EXAMPLES
    if example.kind == 'task' and not example.excuse and not example.problem
]
PLAYS = [
    example
    for example in EXAMPLES
    if example.kind == 'play' and not example.excuse and not example.problem
]
# By what they do: a play and its translation run once.
SAME: dict[str, list[Example]] = {}
for play in PLAYS:
    SAME.setdefault(json.dumps(without_names(play.content)), []).append(play)

# Other tests run these roles with more than these plays say; make soak runs these, too.
ONLY_SOAKED = (
    'A catalogue of init scripts, and a server that uses one of them',
    'A web site',
    'Prepare a host whose memory and disk space are allocated more than once',
    'Prepare a host whose servers are reachable from the LAN',
    'Prepare a host whose servers may be on its bridge br0',
    'Prepare the host',
)

SSD = Path('/run/ssd')  # where QEMU reaches it
BRIDGES = ('eth0', 'br0')
Resource = tuple[str, str, str]


@pytest.fixture(scope='module')
def surroundings(host: None, tiny: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What examples assume outside of the cloud.

    A home directory, the web server images.example.com with images, and bridges eth0 and br0.
    """
    home, site = tmp_path_factory.mktemp('home'), tmp_path_factory.mktemp('site')
    hosts = Path('/etc/hosts')
    (site / 'company.qcow2').symlink_to(tiny)
    (site / 'drivers.iso').write_bytes(DISC)
    digest = hashlib.sha256(DISC).hexdigest()
    (site / 'SHA256SUMS').write_text(f'{digest}  drivers.iso\n', encoding='utf-8')
    known = hosts.read_text(encoding='utf-8')
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(site))
    with (
        pytest.MonkeyPatch.context() as patch,
        ThreadingHTTPServer(('127.0.0.1', 80), handler) as server,
    ):
        patch.setenv('HOME', str(home))
        patch.setenv('no_proxy', 'images.example.com')
        threading.Thread(target=server.serve_forever, daemon=True).start()
        hosts.write_text(f'{known}\n127.0.0.1 images.example.com\n', encoding='utf-8')
        for device in BRIDGES:
            subprocess.run(['ip', 'link', 'add', device, 'type', 'bridge'], check=True)
        yield
        for device in BRIDGES:
            subprocess.run(['ip', 'link', 'delete', device], check=True)
        hosts.write_text(known, encoding='utf-8')
        server.shutdown()


@pytest.fixture(scope='module')
def problems(
    surroundings: None, soak: bool, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """The failures of the tasks by their places.

    Afterwards everything that the examples created is deleted, and the host is as before.
    """
    before, kept_resources, settings = host_state(), resources(), SETTINGS.read_bytes()
    folder, store = (tmp_path_factory.mktemp(name) for name in ('examples', 'backups'))
    added = {
        'bridges': ['br0'],
        'backup_stores': [{'name': 'disk', 'path': str(store)}],
        'volume_types': [{'name': 'ssd', 'path': str(SSD)}],
    }
    SSD.mkdir()
    SETTINGS.write_text(json.dumps({**json.loads(settings), **added}), 'utf-8')
    book, outcomes = folder / 'tasks.yml', folder / 'problems.json'
    (folder / 'files').symlink_to(ROOT / 'tests' / 'integration' / 'examples' / 'files')
    content = playbook(TASKS, str(outcomes), predicted=soak)
    book.write_text(yaml.safe_dump(content, sort_keys=False), encoding='utf-8')
    with pretended_systemd():
        played = Play(STAGE, str(book))
    assert played.code == 0, what_failed(played.output)
    yield json.loads(outcomes.read_text(encoding='utf-8'))
    # A play may have had the role host write other settings; the next change repairs what follows.
    SETTINGS.write_text(json.dumps({**json.loads(settings), **added}), 'utf-8')
    delete_added(kept_resources)
    SETTINGS.write_bytes(settings)
    SSD.rmdir()
    assert host_state() == before


@pytest.fixture
def tasks_done(problems: dict[str, str]) -> Iterator[None]:
    """The stage as the tasks left it; what a play creates is deleted after it."""
    kept_resources = resources()
    yield
    delete_added(kept_resources)


def host_state() -> dict[str, Any]:
    """The inventory of the host.

    Without the state of the bridges in its routes: the kernel updates it with a delay.
    """
    state = inventory()
    return {
        **state,
        'routes': [route.replace(' linkdown', '').strip() for route in state['routes']],
    }


def resources() -> set[Resource]:
    """What modules can delete of the recorded resources: module, option, and name or address."""
    resources_found = set()
    record = json.loads(RECORD.read_text(encoding='utf-8'))
    for table, rows in record.items():
        module = {'balancer': 'lb'}.get(table, table)
        # Snapshots are deleted with their servers.
        is_module = (ROOT / 'plugins' / 'modules' / f'{module}.py').exists()
        if is_module and module != 'server_snapshot':
            for row in rows:
                name = row.get('member_of') or row.get('name')
                if name:
                    resources_found.add((module, 'name', name))
                elif row.get('address') and not row.get('automatic', True):
                    resources_found.add((module, 'address', row['address']))
    return resources_found


def delete_added(kept_resources: set[Resource]) -> None:
    """Delete what was added; what another resource uses follows in a later round."""
    remaining = resources() - kept_resources
    while remaining:
        refusals = list(filter(None, (delete_resource(*thing) for thing in sorted(remaining))))
        assert len(resources() - kept_resources) < len(remaining), refusals
        remaining = resources() - kept_resources


def delete_resource(module: str, option: str, name: str) -> str:
    """Delete a resource, detach it if necessary; return the refusal."""
    options: dict[str, Any] = {option: name}
    if module == 'server':
        options['delete_snapshots'] = True
    if module == 'backup':
        options['delete_protection'] = False
    if module == 'project':  # one with members is deleted by its admin
        options['actor'] = 'alice'
    if module == 'volume_snapshot':
        options['volume'], _slash, options['name'] = name.partition('/')
    result = run(module, **options, state='absent')
    if result.get('failed') and 'state: detached' in result['msg']:
        run(module, **{option: name}, state='detached')
        result = run(module, **options, state='absent')
    return f'{module} {name}: {result["msg"]}' if result.get('failed') else ''


def test_examples_not_run(capsys: pytest.CaptureFixture[str]) -> None:
    """Every example that is not run is listed with its reason; most are run."""
    not_run = [example for example in EXAMPLES if example.excuse]
    with capsys.disabled():
        print(
            f'\nexamples: {len(TASKS)} tasks and {len(PLAYS)} plays are run, '
            f'{len(not_run)} are not:'
        )
        for example in not_run:
            print(f'  {example}: {example.excuse}')
    assert not [f'{example} {example.problem}' for example in EXAMPLES if example.problem]
    assert len(TASKS) + len(PLAYS) > 4 * len(not_run)


@pytest.mark.parametrize('example', TASKS, ids=str)
def test_task(example: Example, problems: dict[str, str]) -> None:
    """The task succeeds, and the second run changes nothing."""
    assert example.place not in problems, problems[example.place]


@pytest.mark.parametrize('same', SAME.values(), ids=lambda same: ' and '.join(map(str, same)))
def test_play(same: list[Example], tasks_done: None, soak: bool, tmp_path: Path) -> None:
    """The play runs unchanged, and the second run changes nothing."""
    example = same[-1]
    if example.name in ONLY_SOAKED and not soak:
        pytest.skip('other tests run this role: make soak runs it')
    book = tmp_path / 'example.yml'
    book.write_text(yaml.safe_dump(example.content, sort_keys=False), encoding='utf-8')
    first = Play(str(book))
    assert first.code == 0, what_failed(first.output)
    assert first.counts.get('ok'), f'no host matched: {first.output}'
    repeated = Play(str(book))
    assert repeated.changed == 0, what_failed(repeated.output)
