# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The examples of the documentation do what they promise: each is run on a real host, and a second run changes nothing.

All tasks are tried by one playbook, which tests/tools/examples.py writes, on the stage of
examples/stage.yml; each play of a README is run as it stands. A module, role or document that is
added is covered by being there. An example that is not run says why in a comment inside it; the
reasons are printed.
"""

from __future__ import annotations

import functools
import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.hanok.cloud.tests.tools.examples import Example, find, playbook

from .conftest import ROOT, Play, inventory, run

STAGE = 'tests/integration/examples/stage.yml'
RECORD = Path('/var/lib/hanok/hanok.json')
SETTINGS = Path('/etc/hanok/host.json')
EXAMPLES = find(ROOT)
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

Thing = tuple[str, str, str]


@pytest.fixture(scope='module')
def surroundings(host: None, tiny: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What examples mean that is not of the cloud: a home folder, the web server images.example.com with an image, and a network device eth0."""
    home, site, hosts = (
        tmp_path_factory.mktemp('home'),
        tmp_path_factory.mktemp('site'),
        Path('/etc/hosts'),
    )
    (site / 'company.qcow2').symlink_to(tiny)
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
        subprocess.run(['ip', 'link', 'add', 'eth0', 'type', 'bridge'], check=True)
        yield
        subprocess.run(['ip', 'link', 'delete', 'eth0'], check=True)
        hosts.write_text(known, encoding='utf-8')
        server.shutdown()


@pytest.fixture(scope='module')
def problems(
    surroundings: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """What went wrong with tasks, by their places. At the end all that examples made is taken away, and the host is as it was before."""
    before, kept, settings = everything(), things(), SETTINGS.read_bytes()
    folder = tmp_path_factory.mktemp('examples')
    book, outcomes = folder / 'tasks.yml', folder / 'problems.json'
    (folder / 'files').symlink_to(ROOT / 'tests' / 'integration' / 'examples' / 'files')
    book.write_text(
        yaml.safe_dump(playbook(TASKS, str(outcomes)), sort_keys=False), encoding='utf-8'
    )
    tried = Play(STAGE, str(book))
    assert tried.code == 0, tried.output[-6000:]
    yield json.loads(outcomes.read_text(encoding='utf-8'))
    SETTINGS.write_bytes(
        settings
    )  # a play may have had the role host write others; what follows of them is mended by the next change
    take_away(kept)
    assert everything() == before


@pytest.fixture
def after_the_tasks(problems: dict[str, str]) -> Iterator[None]:
    """The stage as the tasks left it; what a play adds is taken away after it."""
    kept = things()
    yield
    take_away(kept)


def everything() -> dict[str, Any]:
    """What is on the host. Whether a bridge has a guest on it right now is said of its route a moment late, and is left out."""
    there = inventory()
    return {
        **there,
        'routes': [route.replace(' linkdown', '').strip() for route in there['routes']],
    }


def things() -> set[Thing]:
    """What is on record that a module can remove: its table, and its name (or address) as an option of the module that is called like the table."""
    found = set()
    record = json.loads(RECORD.read_text(encoding='utf-8'))
    for table, rows in record.items():
        module = {'balancer': 'lb'}.get(table, table)
        if (ROOT / 'plugins' / 'modules' / f'{module}.py').exists():
            for row in rows:
                name = row.get('member_of') or row.get('name')
                if name:
                    found.add((module, 'name', name))
                elif row.get('address') and not row.get('automatic', True):
                    found.add((module, 'address', row['address']))
    return found


def take_away(kept: set[Thing]) -> None:
    """Remove what was added. What another thing uses goes after that: again as long as something went."""
    left = things() - kept
    while left:
        refusals = [text for text in (removed(*thing) for thing in sorted(left)) if text]
        assert len(things() - kept) < len(left), refusals
        left = things() - kept


def removed(module: str, option: str, name: str) -> str:
    """Remove a thing, or at least take it off what holds it; what was said against it."""
    done = run(module, **{option: name}, state='absent')
    if done.get('failed') and 'state: detached' in done['msg']:
        run(module, **{option: name}, state='detached')
        done = run(module, **{option: name}, state='absent')
    return f'{module} {name}: {done["msg"]}' if done.get('failed') else ''


def test_what_is_not_run(capsys: pytest.CaptureFixture[str]) -> None:
    """Every example that is not run is named, with its reason; most are run."""
    excused = [example for example in EXAMPLES if example.excuse]
    with capsys.disabled():
        print(
            f'\nexamples: {len(TASKS)} tasks and {len(PLAYS)} plays are run, {len(excused)} are not:'
        )
        for example in excused:
            print(f'  {example}: {example.excuse}')
    assert not [f'{example} {example.problem}' for example in EXAMPLES if example.problem]
    assert len(TASKS) + len(PLAYS) > 4 * len(excused)


@pytest.mark.parametrize('example', TASKS, ids=str)
def test_task(example: Example, problems: dict[str, str]) -> None:
    """The task does not fail, check mode says beforehand whether it changes something, and the second run changes nothing."""
    assert example.place not in problems, problems[example.place]


@pytest.mark.parametrize('example', PLAYS, ids=str)
def test_play(example: Example, after_the_tasks: None, tmp_path: Path) -> None:
    """The play runs as it stands, and the second run changes nothing."""
    book = tmp_path / 'example.yml'
    book.write_text(yaml.safe_dump(example.content, sort_keys=False), encoding='utf-8')
    first = Play(str(book))
    assert first.code == 0, first.output[-6000:]
    assert first.counts.get('ok'), f'no host matched: {first.output}'
    again = Play(str(book))
    assert again.changed == 0, again.output[-6000:]
