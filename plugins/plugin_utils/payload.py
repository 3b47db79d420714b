# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host needs to run server_info: a program, and its input.

Ansible packs a module, too (AnsiballZ), after a search for what it imports, which takes longer than
all the rest of an inventory. Here complete folders are packed.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Dict, Tuple
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import ansible

_PROGRAM = Path(__file__).with_name('program.py')
_OURS = Path(__file__).resolve().parents[1] / 'module_utils'
_OF_ANSIBLE = Path(ansible.__file__).resolve().parent / 'module_utils'
_PLACE = PurePosixPath('ansible_collections/hanok/cloud/plugins/module_utils')
_LAYERS = ('_ansible', '_cloud', '_model', '_plan')
_NOT_IMPORTED = {'facts', 'csharp', 'powershell'}


def program() -> str:
    """Return what Python is to run."""
    return _PROGRAM.read_text('utf-8')


def program_input(options: Mapping[str, Any], backend: str, is_sent: bool = True) -> bytes:
    """Return its input.

    ``options``: of server_info. ``backend``: the layer of the cloud. ``is_sent``: over a network.
    """
    code = _packed(dict(_files(backend)), ZIP_DEFLATED if is_sent else ZIP_STORED)
    arguments = json.dumps({'ANSIBLE_MODULE_ARGS': dict(options)})
    return b'%d\n%s%s' % (len(code), code, arguments.encode())


def _files(backend: str) -> Iterator[Tuple[PurePosixPath, bytes]]:
    """Yield the files to pack: name and content."""
    for layer in (*_LAYERS, backend):
        for path in (_OURS / layer).rglob('*.py'):
            yield _PLACE / path.relative_to(_OURS).as_posix(), path.read_bytes()
    for path in _OF_ANSIBLE.rglob('*.py'):
        name = PurePosixPath(path.relative_to(_OF_ANSIBLE).as_posix())
        if name.parts[0] not in _NOT_IMPORTED:
            yield 'ansible/module_utils' / name, path.read_bytes()


def _packed(files: Dict[PurePosixPath, bytes], compression: int) -> bytes:
    """Return a zip file in which each folder is a package."""
    for folder in {folder for name in files for folder in name.parents if folder.name}:
        files.setdefault(folder / '__init__.py', b'')
    packed = io.BytesIO()
    with ZipFile(packed, 'w') as archive:
        for name, content in files.items():
            archive.writestr(ZipInfo(str(name)), content, compression, 1)
    return packed.getvalue()
