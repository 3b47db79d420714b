# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keep the modules as ansible-playbook packs them in the directory that PACKED_MODULES names.

Packing a module with what it imports takes a second, and compiling that half of the time of a task.
A run packs each of its modules once; the next run of tests of the same clone takes them from there,
with the code of ansible-core compiled. That of the collection is compiled on the host, as it is for
users.
"""

from __future__ import annotations

import dataclasses
import importlib._bootstrap_external
import importlib.util
import io
import os
import zipfile
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.executor.module_common import _CachedModule
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: packed_modules
type: aggregate
short_description: Packed modules for the integration tests
description:
  - Keeps the modules as ansible-playbook packs them in the directory that the environment variable
    PACKED_MODULES names.
"""
COMPILED = '.compiled'  # beside a packed module


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """It exists before the first task: where Ansible looks for packed modules becomes a link."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = 'aggregate'
    CALLBACK_NAME = 'packed_modules'

    def __init__(self) -> None:
        """Make the link. Ansible deletes it, not the directory, when the run ends."""
        super().__init__()
        self.folder = Path(os.environ['PACKED_MODULES'])
        link = Path(constants.DEFAULT_LOCAL_TMP) / 'ansiballz_cache'
        link.symlink_to(self.folder)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Compile the modules that this run has packed. Another run may do the same."""
        for path in sorted(self.folder.iterdir()):
            done = path.with_name(path.name + COMPILED)
            is_module = path.suffix not in (COMPILED, '.lock') and not path.name.endswith('-part')
            if is_module and not done.exists() and os.access(path, os.W_OK):
                module = _CachedModule.load(str(path))
                new = path.with_name(f'{path.name}.{os.getpid()}-part')
                replaced = dataclasses.replace(module, zip_data=compiled(module.zip_data))
                replaced.dump(str(new))
                new.rename(path)
                done.touch()


def compiled(zip_data: bytes) -> bytes:
    """A packed module with the compiled code of ansible-core.

    A Python of another version, on another host, compiles the sources, which stay.
    """
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(b64decode(zip_data))) as sources,
        zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as target,
    ):
        for about in sources.infolist():
            source = sources.read(about)
            target.writestr(about, source)
            if about.filename.startswith('ansible/') and about.filename.endswith('.py'):
                code = compile(source, about.filename, 'exec', dont_inherit=True)
                digest = importlib.util.source_hash(source)
                pyc = importlib._bootstrap_external._code_to_hash_pyc(code, digest, False)
                target.writestr(about.filename + 'c', bytes(pyc))
    return b64encode(out.getvalue())
