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
  - All volumes, the one of a name, or those with labels, as M(hanok.cloud.volume) shows them.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.filters
  - hanok.cloud.attributes.info
options:
  name:
    description: Only the one of this name.
    type: str
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: The volumes of more than 100 GB that no server has
  hanok.cloud.volume_info:
    query: "[?server == null && size > `100`]"
  register: idle

- name: Those with a label
  hanok.cloud.volume_info:
    labels:
      content: photos
"""

RETURN = r"""
volumes:
  description: The volumes, or what O(query) makes of them.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Its UUID.
      type: str
    name:
      description: Its name.
      type: str
    size:
      description: Its size (GB).
      type: int
    server:
      description: The server that has it.
      type: str
    status:
      description: V(available), V(in-use), V(error) (its disk is gone from the host), or what is being done with it.
      type: str
    task_state:
      description: What is being done with it.
      type: str
    serial:
      description: The serial that the guest sees.
      type: str
    device:
      description: Its device in a guest with udev.
      type: str
    description:
      description: Its description.
      type: str
    labels:
      description: Its labels.
      type: dict
    created_by:
      description: Who made it.
      type: str
    created_at:
      description: When it was made (UTC).
      type: str
"""

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.info import main

if __name__ == '__main__':
    main('volume')
