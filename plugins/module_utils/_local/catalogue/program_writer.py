# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keeps the program that timers run on the host."""

from __future__ import annotations

import os
from zipfile import ZIP_DEFLATED, ZipFile

from .program import PATH, digest, files_of, own_package


def write() -> None:
    """Bring the program in the version of this task. The caller holds a lock."""
    own = own_package()
    if own is None or digest(PATH) == digest(own):
        return
    os.makedirs(os.path.dirname(PATH), 0o755, exist_ok=True)
    part = PATH + '.part'
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    with open(os.open(part, flags, 0o644), 'wb') as file:
        with ZipFile(own) as source, ZipFile(file, 'w', ZIP_DEFLATED) as package:
            for one in files_of(source):
                package.writestr(one, source.read(one), ZIP_DEFLATED)
        os.fchmod(file.fileno(), 0o644)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, PATH)
