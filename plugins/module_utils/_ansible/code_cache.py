# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compiled code on the host, for the next task: what __pycache__ is for files outside of a zip.

The role host makes the folder; in it is one file for each source and Python. A file begins with a
digest of the Python, of the source, and of the code that follows: what was written by another
version, only half, or damaged, is not run but compiled and written again.
"""

from __future__ import annotations

import marshal
import os
import sys
import zipimport
from contextlib import suppress
from functools import partial
from hashlib import sha256
from types import CodeType
from typing import Any, Callable

FOLDER = '/var/cache/hanok/code'
_PYTHON = f'{sys.version} {sys.flags.optimize}'.encode()
_SIZE = sha256().digest_size
Compile = Callable[[str, bytes], CodeType]


def use_cache() -> None:
    """Take compiled code from the folder from now on, if only this user can write to it."""
    importer: Any = zipimport
    folder = _open_folder()
    if folder is not None:
        importer._compile_source = partial(_compile, folder, importer._compile_source)


def _open_folder() -> int | None:
    """A descriptor of the folder; None if there is none, or others could put code into it."""
    try:
        folder = os.open(FOLDER, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    found = os.fstat(folder)
    if found.st_uid == os.geteuid() and not found.st_mode & 0o077:
        return folder
    os.close(folder)
    return None


def _compile(
    folder: int,
    compile_source: Compile,
    path: str,
    source: bytes,
) -> CodeType:
    """Return the code of a source: the one that was kept, else a new one, which is kept.

    Tracebacks name its path in the zip: the zip itself is another one for each task.
    """
    name = path.rpartition('.zip/')[2]
    file = f'{name.replace("/", ".")}.{sys.implementation.cache_tag}'

    def opener(path: str, flags: int) -> int:
        return os.open(path, flags | os.O_NOFOLLOW, 0o600, dir_fd=folder)

    with suppress(OSError), open(file, 'rb', opener=opener) as kept:
        digest = kept.read(_SIZE)
        data = kept.read()
        if digest == _digest(source, data):
            found: CodeType = marshal.loads(data)  # noqa: S302 (only this user can have written it)
            return found
    code = compile_source(name, source)
    data = marshal.dumps(code)
    with suppress(OSError), open(file, 'wb', opener=opener) as new:
        new.write(_digest(source, data) + data)
    return code


def _digest(source: bytes, data: bytes) -> bytes:
    return sha256(_PYTHON + source + data).digest()
