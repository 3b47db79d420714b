# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The program that timers run: the package of a task of the module schedule, kept on the host.

It is the same code as that of the task: AnsiballZ packs all that the module imports.
"""

from __future__ import annotations

import sys
import zipimport
from hashlib import sha256
from typing import Any, List
from zipfile import BadZipFile, ZipFile, ZipInfo

PATH = '/usr/local/sbin/hanok-schedule.zip'
MODULE = 'ansible_collections.hanok.cloud.plugins.module_utils._ansible.schedule_run'
# A package also has a sitecustomize.py, which names the temporary folder of its task.
_PARTS = ('ansible/', 'ansible_collections/')
_ENTRY = MODULE.replace('.', '/') + '.py'


def own_package() -> str | None:
    """Return the zip file that this code is from; None if it is no zip, or does not have all."""
    loader: Any = sys.modules[__name__].__loader__
    if not isinstance(loader, zipimport.zipimporter):
        return None
    path: str = loader.archive
    with ZipFile(path) as package:
        return path if _ENTRY in package.namelist() else None


def is_up_to_date() -> bool:
    """Whether the host has the program, in the version of this task if it can be known."""
    own = own_package()
    kept = digest(PATH)
    return kept is not None and (own is None or kept == digest(own))


def digest(path: str) -> str | None:
    """A digest of the files in a package, without the times that it has; None if it is none."""
    try:
        with ZipFile(path) as package:
            files = sorted((one.filename, one.CRC) for one in files_of(package))
    except (OSError, BadZipFile):
        return None
    return sha256(repr(files).encode()).hexdigest()


def files_of(package: ZipFile) -> List[ZipInfo]:
    """The sources in a package that are of Ansible or of collections."""
    files = [one for one in package.infolist() if one.filename.startswith(_PARTS)]
    return [one for one in files if one.filename.endswith('.py')]
