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
  - All flavors, the one of a name, or those with labels, as M(hanok.cloud.flavor) shows them.
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
- name: The flavors with at least 4 vCPUs, by name
  hanok.cloud.flavor_info:
    query: "[?vcpus >= `4`].name"
  register: large

- name: One flavor
  hanok.cloud.flavor_info:
    name: g1.nano
"""

RETURN = r"""
flavors:
  description: The flavors, or what O(query) makes of them.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
    family:
      description: Its family.
      type: str
    vcpus:
      description: Its vCPUs.
      type: int
    memory:
      description: Its memory (MiB).
      type: int
    disk:
      description: Its root volume (GB).
      type: int
    description:
      description: Its description.
      type: str
    built_in:
      description: Whether it is one of the catalogue.
      type: bool
    used_by:
      description: Names of the servers made with it.
      type: list
      elements: str
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
    main('flavor')
