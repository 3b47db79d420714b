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
  description: The flavors, or the result of O(query).
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: UUID of the flavor.
      type: str
    name:
      description: Name of the flavor.
      type: str
    family:
      description: Family of the flavor.
      type: str
    vcpus:
      description: Number of vCPUs.
      type: int
    memory:
      description: Memory in MiB.
      type: int
    disk:
      description: Size of the root volume in GB.
      type: int
    description:
      description: Description of the flavor.
      type: str
    built_in:
      description: Whether the flavor belongs to the built-in catalogue.
      type: bool
    used_by:
      description: Names of the servers that use the flavor.
      type: list
      elements: str
    labels:
      description: Labels of the flavor.
      type: dict
    project:
      description: Project of the flavor.
      type: str
    created_by:
      description: User who created the flavor.
      type: str
    created_at:
      description: Creation time of the flavor (UTC).
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
    main('flavor')
