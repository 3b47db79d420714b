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
  - All networks, the one of a name, or those with labels, as M(hanok.cloud.network) shows them.
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
- name: The network of a name
  hanok.cloud.network_info:
    name: default
  register: network

- name: All networks and their ranges
  hanok.cloud.network_info:
    query: "[].{name: name, cidr: cidr}"
"""

RETURN = r"""
networks:
  description: The networks, or what O(query) makes of them.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
    cidr:
      description: Its range.
      type: str
    gateway:
      description: The address of the host in it.
      type: str
    description:
      description: Its description.
      type: str
    labels:
      description: Its labels.
      type: dict
    bridge:
      description: Its device on the host.
      type: str
    used_by:
      description: Servers and balancers in it.
      type: list
      elements: str
    task_state:
      description: What is being done with it.
      type: str
    created_by:
      description: Who made it.
      type: str
    created_at:
      description: When it was made (UTC).
      type: str
"""

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.info import main

if __name__ == '__main__':
    main('network')
