# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who may import whom (docs of the architecture: the rooms), kept true."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import pytest

PLUGINS = Path(__file__).resolve().parents[2] / 'plugins'
OURS = ('ansible_collections', 'hanok', 'cloud', 'plugins')
DYNAMIC = '(import by a name made at run time)'

# Which of our rooms a room may import besides itself. A room that is not here may not exist.
ROOMS: dict[str, set[str]] = {
    'modules': {'_ansible'},
    'inventory': {'_ansible'},
    'doc_fragments': set(),
    '_ansible': {'_plan', '_cloud', '_model'},
    '_plan': {'_cloud', '_model'},
    '_cloud': {'_model'},
    '_model': set(),
    '_local': {'_cloud', '_model'},
    '_openstack': {'_cloud', '_model'},
}

# Modules are documentation and one line that hands on: they know their neighbour only, not each
# other.
STRANGERS_TO_THEMSELVES = {'modules', 'inventory', 'doc_fragments'}

# The one file that opens a cloud, and what it may import only when it does: AnsiballZ finds imports
# inside functions, a module does not pay for those not run.
OPENER = 'module_utils/_ansible/clouds.py'
BACKENDS = {'_local', '_openstack'}

# What belongs to some rooms only. AnsiballZ does not find what importlib imports, so nobody uses
# it; other collections are none of our dependencies.
RESERVED: dict[str, set[str]] = {
    'ansible': {'_ansible', 'modules', 'inventory'},
    'libvirt': {'_local'},
    'libvirt_lxc': {'_local'},
    'libvirt_qemu': {'_local'},
    'sqlite3': {'_local'},
    'openstack': {'_openstack'},
    'importlib': set(),
    'ansible_collections': set(),
    DYNAMIC: set(),
}


class Import(NamedTuple):
    """A name that a file imports, in full, with its line and whether that happens inside a function."""

    name: tuple[str, ...]
    line: int
    lazy: bool


def imports(tree: ast.AST, package: tuple[str, ...], lazy: bool = False) -> Iterator[Import]:
    """Yield every import of a file whose package is given, wherever it stands."""
    for node in ast.iter_child_nodes(tree):
        yield from (Import(name, node.lineno, lazy) for name in named(node, package))
        yield from imports(
            node,
            package,
            lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda),
        )


def named(node: ast.AST, package: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the full names that this one statement or call imports."""
    if isinstance(node, ast.Import):
        yield from (tuple(alias.name.split('.')) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = package[: len(package) - node.level + 1] if node.level else ()
        module = tuple(node.module.split('.')) if node.module else ()
        yield from ((*base, *module, alias.name) for alias in node.names)
    elif (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == '__import__'
    ):
        yield (DYNAMIC,)


def room_of(name: tuple[str, ...]) -> str | None:
    """Return the room to which a full dotted name of ours leads; None for a name that is not ours."""
    if name[: len(OURS)] != OURS:
        return None
    inside = name[len(OURS) :]
    if inside[:1] == ('module_utils',):
        inside = inside[1:]
    return inside[0] if inside else 'plugins'


def wrong(path: str, source: str) -> list[str]:
    """Return a sentence for each import in the file at this path (from plugins/) that breaks the rule."""
    parts = PurePosixPath(path).with_suffix('').parts
    room = room_of((*OURS, *parts))
    if room not in ROOMS:
        return [f'{path}: there is no room {room!r} in the table of this test: {", ".join(ROOMS)}']
    found = imports(ast.parse(source), (*OURS, *parts[:-1]))
    return [
        f'{path}:{entry.line}: imports {".".join(entry.name)}: {reason}'
        for entry in found
        if (reason := objection(path, room, entry))
    ]


def objection(path: str, room: str, entry: Import) -> str | None:
    """Return why this room may not import this; None where it may."""
    target = room_of(entry.name)
    if target is None:
        owners = RESERVED.get(entry.name[0])
        return (
            None
            if owners is None or room in owners
            else f'only for {", ".join(sorted(owners)) or "nobody"}'
        )
    if target in BACKENDS and path == OPENER:
        return (
            None
            if entry.lazy
            else 'import a cloud inside the function that opens it, or every module loads it'
        )
    allowed = ROOMS[room] if room in STRANGERS_TO_THEMSELVES else ROOMS[room] | {room}
    return (
        None
        if target in allowed
        else f'{room} may import of ours only {", ".join(sorted(allowed)) or "nothing"}'
    )


FILES = sorted(path.relative_to(PLUGINS).as_posix() for path in PLUGINS.rglob('*.py'))


@pytest.mark.parametrize('path', FILES)
def test_a_file_imports_only_what_its_room_may(path: str) -> None:
    """The rule, on every file there is."""
    broken = wrong(path, (PLUGINS / path).read_text(encoding='utf-8'))
    assert not broken, '\n'.join(broken)


def test_the_files_are_found() -> None:
    """An empty list of files would keep any rule."""
    assert any(path.startswith('module_utils/_model/') for path in FILES)


UTILS = 'ansible_collections.hanok.cloud.plugins.module_utils'


@pytest.mark.parametrize(
    ('path', 'source'),
    [
        ('modules/server.py', f'from {UTILS}._ansible import run'),
        ('modules/server.py', 'from ..module_utils._ansible.server import run'),
        ('modules/server.py', 'from ansible.module_utils.basic import AnsibleModule'),
        ('module_utils/_ansible/server.py', f'from {UTILS} import _cloud'),
        (
            'module_utils/_ansible/server.py',
            'from .._plan.server import plan\nfrom . import clouds',
        ),
        (
            'module_utils/_ansible/clouds.py',
            f'def open_cloud():\n    from {UTILS}._local.cloud import LocalCloud',
        ),
        (
            'module_utils/_plan/server.py',
            'from .. import _cloud\nfrom .._model.server import Server\nfrom . import groups',
        ),
        ('module_utils/_cloud/contract.py', 'from .._model import server'),
        ('module_utils/_model/server.py', 'import dataclasses\nfrom . import checks'),
        (
            'module_utils/_local/cloud.py',
            'import libvirt, sqlite3\nfrom .._cloud import Cloud\nfrom .store import Store',
        ),
        ('module_utils/_openstack/cloud.py', 'import openstack'),
    ],
)
def test_what_is_allowed(path: str, source: str) -> None:
    """Each way that the rooms are meant to be used passes."""
    assert wrong(path, source) == []


@pytest.mark.parametrize(
    ('path', 'source', 'name'),
    [
        ('modules/server.py', f'from {UTILS}._model.server import Server', '_model.server.Server'),
        ('modules/server.py', f'from {UTILS} import _cloud', '_cloud'),
        ('modules/server.py', f'import {UTILS}._plan.server as plan', '_plan.server'),
        ('modules/server.py', 'from . import volume', 'modules.volume'),
        ('doc_fragments/cloud.py', 'from ansible.plugins import x', 'ansible.plugins'),
        (
            'module_utils/_ansible/server.py',
            'def f():\n    from .._local import cloud',
            '_local.cloud',
        ),
        ('module_utils/_ansible/clouds.py', 'from .._local import cloud', '_local.cloud'),
        (
            'module_utils/_ansible/clouds.py',
            'if TYPE_CHECKING:\n    from .._openstack import cloud',
            '_openstack.cloud',
        ),
        ('module_utils/_ansible/clouds.py', 'class A:\n    from .. import _local', '_local'),
        (
            'module_utils/_local/_ansible/clouds.py',
            'def f():\n    from ..._openstack import cloud',
            '_openstack.cloud',
        ),
        ('module_utils/_plan/server.py', 'from .._ansible import run', '_ansible.run'),
        (
            'module_utils/_plan/server.py',
            'from ansible.module_utils.basic import x',
            'ansible.module_utils',
        ),
        ('module_utils/_cloud/contract.py', 'from .._plan import server', '_plan.server'),
        ('module_utils/_model/server.py', 'from .._cloud import Cloud', '_cloud.Cloud'),
        ('module_utils/_model/server.py', 'def f():\n    import sqlite3', 'sqlite3'),
        ('module_utils/_local/cloud.py', 'from .._plan import server', '_plan.server'),
        ('module_utils/_local/cloud.py', 'from .._openstack import cloud', '_openstack.cloud'),
        (
            'module_utils/_openstack/cloud.py',
            'def f():\n    async def g():\n        import libvirt',
            'libvirt',
        ),
        ('module_utils/_ansible/clouds.py', 'import importlib', 'importlib'),
        (
            'module_utils/_local/cloud.py',
            'from importlib import import_module',
            'importlib.import_module',
        ),
        ('module_utils/_local/cloud.py', "cloud = __import__('x')", 'run time'),
        ('module_utils/_model/server.py', 'from ... import modules', 'plugins.modules'),
        (
            'modules/server.py',
            'from ansible_collections.community.libvirt.plugins.module_utils import libvirt',
            'community.libvirt',
        ),
        ('module_utils/helpers.py', '', "'helpers'"),
        ('module_utils/_utils/text.py', '', "'_utils'"),
        ('filter/text.py', '', "'filter'"),
    ],
)
def test_what_is_refused(path: str, source: str, name: str) -> None:
    """Each way around the rule is seen, and the message names the file, the import and what is allowed."""
    (message,) = wrong(path, source)
    assert message.startswith(path)
    assert name in message
