#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Get information about volumes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: volume_info
short_description: Get information about volumes
version_added: 0.1.0
description:
  - List all volumes, or those with a name or labels.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.filters
  - hanok.cloud.attributes.info
options:
  name:
    description: Name of the volume.
    type: str
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: Get the volumes of more than 100 GB that are not attached
  hanok.cloud.volume_info:
    query: "[?server == null && size > `100`]"
  register: idle

- name: Get the volumes with a label
  hanok.cloud.volume_info:
    labels:
      content: photos
"""

RETURN = r"""
volumes:
  description: The volumes, or the result of O(query).
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: UUID of the volume.
      type: str
    name:
      description: Name of the volume.
      type: str
    size:
      description: Size of the volume in GB.
      type: int
    server:
      description: Name of the server that the volume is attached to; null if there is none.
      type: str
    status:
      description:
        - V(available), V(in-use), V(error) (its disk no longer exists on the host, or a change was
          not completed), or the change
          in progress.
      type: str
    task_state:
      description:
        - What another run is doing with the volume; null if no run is working on it.
      type: str
    unfinished:
      description:
        - What an earlier run began and did not complete, because it was interrupted or failed; null
          if there is nothing. The next task for the volume completes it.
      type: str
    serial:
      description: Serial number of the disk in the guest.
      type: str
    device:
      description: Path of the device in a guest with udev.
      type: str
    description:
      description: Description of the volume.
      type: str
    labels:
      description: Labels of the volume.
      type: dict
    project:
      description: Project of the volume.
      type: str
    created_by:
      description: User who created the volume.
      type: str
    created_at:
      description: Creation time of the volume (UTC).
      type: str
refused:
  description: Reasons why the task was refused, one sentence each.
  returned: when the task is refused
  type: list
  elements: str
errors:
  description:
    - What is wrong, an item for each problem, as M(hanok.cloud.server) returns it. V(msg) has all
      of them in one line.
  returned: on failure
  type: list
  elements: dict
"""

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.info import main

if __name__ == '__main__':
    main('volume')
