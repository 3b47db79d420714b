#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Get information about flavors."""

from __future__ import annotations

DOCUMENTATION = r"""
module: flavor_info
short_description: Get information about flavors
version_added: 0.1.0
description:
  - List all flavors, or those with a name or labels.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.filters
  - hanok.cloud.attributes.info
options:
  name:
    description: Name of the flavor.
    type: str
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: Get the names of the flavors with at least 4 vCPUs
  hanok.cloud.flavor_info:
    query: "[?vcpus >= `4`].name"
  register: large

- name: Get one flavor
  hanok.cloud.flavor_info:
    name: g1.nano
"""

RETURN = r"""
flavors:
  description:
    - The flavors, each like RV(hanok.cloud.flavor#module:flavor), or the result of O(query).
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
    main('flavor')
