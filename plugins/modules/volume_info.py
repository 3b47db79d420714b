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
  - List all volumes, or those with a name or labels. The root volumes of servers are among them.
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

- name: Get the root volumes of all servers
  hanok.cloud.volume_info:
    query: "[?bootable]"

- name: Get the volumes with a label
  hanok.cloud.volume_info:
    labels:
      content: photos
"""

RETURN = r"""
volumes:
  description:
    - The volumes, each like RV(hanok.cloud.volume#module:volume), or the result of O(query).
  returned: success
  type: list
  elements: dict
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
