# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Playbooks in an OpenStack: the examples of docs/openstack.md, and the Getting Started."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.hanok.cloud.tests.contract.openstack_services import Services
from ansible_collections.hanok.cloud.tests.openstack.running import running_openstack
from ansible_collections.hanok.cloud.tests.tools.examples import Example, find

from .conftest import ROOT, Play, inventory, run, what_failed
from .test_inventory import ansible

PAGE = 'docs/openstack.md'
PLAYS = [example for example in find(ROOT) if example.path == PAGE and example.kind == 'play']
ALIASES = {'images': {'tiny': 'Debian 13'}}
GETTING_STARTED = (
    *('-e', 'cloud=mycloud'),
    *('-e', 'getting_started_guests=false'),
    *('-e', f'ansible_python_interpreter={sys.executable}'),
)


@pytest.fixture(scope='module')
def mycloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """The cloud of the document: an entry of clouds.yaml with names for those in playbooks."""
    known = running_openstack()
    clouds = yaml.safe_load(known.read_text(encoding='utf-8'))['clouds']
    folder = tmp_path_factory.mktemp('clouds')
    path = folder / 'clouds.yaml'
    entry = {**clouds['devstack'], 'hanok': ALIASES}
    path.write_text(yaml.safe_dump({'clouds': {'mycloud': entry}}), encoding='utf-8')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('OS_CLIENT_CONFIG_FILE', str(path))
        patch.setenv('HOME', str(folder))  # private keys are written there
        yield Services('mycloud')


@pytest.fixture(scope='module')
def local_image(host: None, tiny: str) -> Iterator[None]:
    """The image tiny on this host, which the document takes for granted."""
    run('image', name='tiny', path=tiny)
    yield
    run('image', name='tiny', state='absent')


def teardown_of(play: Mapping[str, Any]) -> dict[str, Any]:
    """A play that deletes what a play creates."""
    tasks = [_deletion(task) for task in reversed(play['tasks'])]
    return {**play, 'tasks': tasks}


def _deletion(task: Mapping[str, Any]) -> dict[str, Any]:
    (action,) = (key for key in task if key.startswith('hanok.cloud.'))
    options = {key: task[action][key] for key in ('cloud', 'name') if key in task[action]}
    kept = {key: value for key, value in task.items() if key in ('vars', 'become')}
    return {**kept, action: {**options, 'state': 'absent'}}


def hosts(folder: Path) -> list[str]:
    """The servers of the cloud as an inventory."""
    source = folder / 'hanok.yml'
    options = {'plugin': 'hanok.cloud.servers', 'cloud': 'mycloud', 'projects': ['default']}
    source.write_text(yaml.safe_dump(options), encoding='utf-8')
    return sorted(ansible('ansible-inventory', '-i', str(source), '--list').hosts)


@pytest.mark.parametrize('example', PLAYS, ids=str)
def test_document(
    example: Example, local_image: None, mycloud: Services, soak: bool, tmp_path: Path
) -> None:
    """A play runs unchanged; the second run changes nothing, and the deletion leaves nothing.

    make soak also predicts it.
    """
    before = mycloud.ids(), inventory()
    book, end = tmp_path / 'play.yml', tmp_path / 'end.yml'
    book.write_text(yaml.safe_dump(example.content, sort_keys=False), encoding='utf-8')
    deletion = [teardown_of(play) for play in example.content]
    end.write_text(yaml.safe_dump(deletion, sort_keys=False), encoding='utf-8')
    if soak:
        predicted = Play(str(book), '--check', '--diff')
        assert predicted.code == 0, what_failed(predicted.output)
        assert mycloud.ids() == before[0]
    first = Play(str(book), '--diff')
    assert first.changed == len(example.content[0]['tasks'])
    servers = mycloud.send('GET', 'compute', '/servers')['servers']
    assert hosts(tmp_path) == sorted(server['name'] for server in servers)
    assert Play(str(book)).changed == 0
    assert Play(str(end)).changed == first.changed
    assert (mycloud.ids(), inventory()) == before


def test_getting_started(soak: bool, mycloud: Services) -> None:
    """It runs as on a host; what needs a guest is skipped, because none boots here."""
    if not soak:
        pytest.skip('it takes minutes: make soak runs it')
    before = mycloud.ids()
    assert Play('hanok.cloud.getting_started', *GETTING_STARTED, '--check', '--diff').changed > 10
    assert mycloud.ids() == before
    assert Play('hanok.cloud.getting_started', *GETTING_STARTED).changed > 10
    assert Play('hanok.cloud.getting_started', *GETTING_STARTED).changed == 0
    assert Play('hanok.cloud.teardown', *GETTING_STARTED).changed > 5
    assert mycloud.ids() == before
    assert not os.path.exists(os.environ['HOME'] + '/hanok-getting-started.pem')
