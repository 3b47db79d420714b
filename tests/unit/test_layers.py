# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The layers of the collection import only what docs/developing.md allows."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import pytest

PLUGINS = Path(__file__).resolve().parents[2] / 'plugins'
COLLECTION = ('ansible_collections', 'hanok', 'cloud', 'plugins')
DYNAMIC = '(import by a name computed at run time)'

# The layers that a layer may import besides itself. There are no other layers.
LAYERS: dict[str, set[str]] = {
    'modules': {'_ansible'},
    'connection': {'plugin_utils'},
    'inventory': {'plugin_utils'},
    'filter': set(),
    'plugin_utils': {'_ansible', '_model'},
    'doc_fragments': set(),
    '_ansible': {'_plan', '_cloud', '_model'},
    '_plan': {'_cloud', '_model'},
    '_cloud': {'_model'},
    '_model': set(),
    '_local': {'_cloud', '_model'},
    '_openstack': {'_cloud', '_model'},
}

# The wings of a backend, the lowest first: each imports itself and those below it. The other
# files of a backend are above all wings.
WINGS = ('api', 'host', 'record', 'catalogue', 'storage', 'network', 'compute', 'balancer')

# Their files hold documentation and one import of the layer below, and do not import each other.
NOT_THEMSELVES = {'modules', 'connection', 'filter', 'inventory', 'doc_fragments'}

# The only file that opens a cloud. It imports backends inside functions: AnsiballZ finds such
# imports, and a module spends no time on a backend that it does not open.
OPENER = 'module_utils/_ansible/clouds.py'
BACKENDS = {'_local', '_openstack'}

# Packages that only some layers may import. AnsiballZ does not find what importlib imports, so it
# is not used; this collection does not depend on other collections.
RESERVED: dict[str, set[str]] = {
    'ansible': {'_ansible', 'modules', 'connection', 'filter', 'inventory', 'plugin_utils'},
    # A program of plugin_utils runs on hypervisors.
    'libvirt': {'_local', 'plugin_utils'},
    'libvirt_lxc': {'_local', 'plugin_utils'},
    'libvirt_qemu': {'_local', 'plugin_utils'},
    'sqlite3': {'_local'},
    'openstack': {'_openstack'},
    'keystoneauth1': {'_openstack'},
    'importlib': set(),
    'ansible_collections': set(),
    DYNAMIC: set(),
}


class Import(NamedTuple):
    """A full name that a file imports, its line, and whether it is inside a function."""

    name: tuple[str, ...]
    line: int
    lazy: bool


def imports(tree: ast.AST, package: tuple[str, ...], lazy: bool = False) -> Iterator[Import]:
    """Yield all imports of a file in ``package``, at any depth."""
    for node in ast.iter_child_nodes(tree):
        yield from (Import(name, node.lineno, lazy) for name in imported_names(node, package))
        yield from imports(
            node,
            package,
            lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda),
        )


def imported_names(node: ast.AST, package: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the full names that a statement or call imports."""
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


def layer_of(name: tuple[str, ...]) -> str | None:
    """Return the layer of a name of this collection; None for other names."""
    if name[: len(COLLECTION)] != COLLECTION:
        return None
    inside = name[len(COLLECTION) :]
    if inside[:1] == ('module_utils',):
        inside = inside[1:]
    return inside[0] if inside else 'plugins'


def violations(path: str, source: str) -> list[str]:
    """Return a sentence for each import of a file that is not allowed.

    ``path`` is relative to plugins/.
    """
    parts = PurePosixPath(path).with_suffix('').parts
    layer = layer_of((*COLLECTION, *parts))
    if layer not in LAYERS:
        return [f'{path}: layer {layer!r} does not exist; use one of {", ".join(LAYERS)}']
    found = imports(ast.parse(source), (*COLLECTION, *parts[:-1]))
    return [
        f'{path}:{entry.line}: imports {".".join(entry.name)}: {reason}'
        for entry in found
        if (reason := objection(path, layer, entry))
    ]


def objection(path: str, layer: str, entry: Import) -> str | None:
    """Return why a layer may not import this; None if it may."""
    target = layer_of(entry.name)
    if target is None:
        return reserved(layer, entry)
    if target in BACKENDS and path == OPENER:
        if entry.lazy:
            return None
        return 'import a cloud inside the function that opens it, or every module loads it'
    allowed = LAYERS[layer] if layer in NOT_THEMSELVES else LAYERS[layer] | {layer}
    if target in allowed:
        return above(path, entry) if target == layer and layer in BACKENDS else None
    return f'{layer} may import only {", ".join(sorted(allowed)) or "nothing"} of this collection'


def above(path: str, entry: Import) -> str | None:
    """Return why a file of a backend may not import another one of it; None if it may."""
    importer, imported = height(PurePosixPath(path).parts), height(entry.name[len(COLLECTION) :])
    if imported <= importer:
        return None
    return f'the wings of a backend import what is below them ({", ".join(WINGS)}, cloud.py)'


def height(parts: tuple[str, ...]) -> int:
    """Return the height of the wing of a file of a backend, by the parts of its path."""
    backend = next(index for index, part in enumerate(parts) if part in BACKENDS)
    wing = parts[backend + 1] if len(parts) > backend + 1 else ''
    return WINGS.index(wing) if wing in WINGS else len(WINGS)


def reserved(layer: str, entry: Import) -> str | None:
    """Return why a layer may not import this package; None if it may."""
    owners = RESERVED.get(entry.name[0])
    if owners is None or layer in owners:
        return None
    return f'only for {", ".join(sorted(owners)) or "no layer"}'


FILES = sorted(path.relative_to(PLUGINS).as_posix() for path in PLUGINS.rglob('*.py'))


@pytest.mark.parametrize('path', FILES)
def test_file_imports_only_what_its_layer_may(path: str) -> None:
    """Every file obeys the rules."""
    found = violations(path, (PLUGINS / path).read_text(encoding='utf-8'))
    assert not found, '\n'.join(found)


def test_files_are_found() -> None:
    """The list is not empty."""
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
        ('module_utils/_local/cloud.py', 'from .compute.servers import LocalServers'),
        ('module_utils/_local/compute/servers.py', 'from . import domain'),
        ('module_utils/_local/compute/servers.py', 'from ..network import rules'),
    ],
)
def test_allowed(path: str, source: str) -> None:
    """Every allowed import passes."""
    assert violations(path, source) == []


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
        ('module_utils/_local/network/rules.py', 'from ..compute import domain', 'compute.domain'),
        (
            'module_utils/_local/record/record.py',
            'def f():\n    from ..cloud import LocalCloud',
            '_local.cloud',
        ),
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
        ('lookup/text.py', '', "'lookup'"),
    ],
)
def test_refused(path: str, source: str, name: str) -> None:
    """Every violation is detected; the message names the file and the import."""
    (message,) = violations(path, source)
    assert message.startswith(path)
    assert name in message
