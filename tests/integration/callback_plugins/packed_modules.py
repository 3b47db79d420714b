# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keep the modules as ansible-playbook packs them in the directory that PACKED_MODULES names.

Packing a module with what it imports takes a second. A run packs each of its modules once; the next
run of the same tests takes them from there.
"""

from __future__ import annotations

import os
from pathlib import Path

from ansible import constants
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: packed_modules
type: aggregate
short_description: Packed modules for the integration tests
description:
  - Keeps the modules as ansible-playbook packs them in the directory that the environment variable
    PACKED_MODULES names.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """It exists before the first task: where Ansible looks for packed modules becomes a link."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = 'aggregate'
    CALLBACK_NAME = 'packed_modules'

    def __init__(self) -> None:
        """Make the link. Ansible deletes it, not the directory, when the run ends."""
        super().__init__()
        link = Path(constants.DEFAULT_LOCAL_TMP) / 'ansiballz_cache'
        link.symlink_to(os.environ['PACKED_MODULES'])
