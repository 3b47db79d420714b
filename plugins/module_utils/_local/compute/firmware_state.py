# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What EFI and the TPM of a machine keep.

libvirt deletes it with the machine, but not if that gets a definition without a TPM.
"""

from __future__ import annotations

import contextlib
import glob
import os
import shutil

_TPMS = '/var/lib/libvirt/swtpm'
_LOGS = '/var/log/swtpm/libvirt/qemu'


def erase(uuid: str, folder: str) -> None:
    """Delete what a machine that is off keeps, if there is anything. ``folder``: its files."""
    erase_tpm(uuid)
    _unlink(f'{folder}/nvram*.fd')


def erase_tpm(uuid: str) -> None:
    """Delete what the TPM of a machine keeps, if there is anything."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(os.path.join(_TPMS, uuid))


def erase_logs(pattern: str) -> None:
    """Delete the logs of a TPM. ``pattern``: of their names."""
    _unlink(f'{_LOGS}/{pattern}')


def _unlink(pattern: str) -> None:
    for path in glob.glob(pattern):
        os.unlink(path)
