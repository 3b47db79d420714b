#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Get information about networks."""

from __future__ import annotations

DOCUMENTATION = r"""
module: network_info
short_description: Get information about networks
version_added: 0.1.0
description:
  - List all networks, or those with a name or labels.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.filters
  - hanok.cloud.attributes.info
options:
  name:
    description: Name of the network.
    type: str
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: Get one network
  hanok.cloud.network_info:
    name: default
  register: network

- name: Get the names and ranges of all networks
  hanok.cloud.network_info:
    query: "[].{name: name, cidr: cidr}"
"""

RETURN = r"""
networks:
  description:
    - The networks, each like RV(hanok.cloud.network#module:network), or the result of O(query).
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
    main('network')
