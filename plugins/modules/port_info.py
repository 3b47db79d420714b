#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Get information about ports made by name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: port_info
short_description: Get information about ports made by name
version_added: 0.1.0
description:
  - All ports made by name, the one of a name, or those with labels, as M(hanok.cloud.port) shows them.
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
- name: The ports that no server has
  hanok.cloud.port_info:
    query: "[?server == null]"
  register: free_ports

- name: Those with a label
  hanok.cloud.port_info:
    labels:
      licence: "4711"
"""

RETURN = r"""
ports:
  description: The ports made by name, or what O(query) makes of them.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
    network:
      description: Its network.
      type: str
    fixed_ip:
      description: Its address.
      type: str
    mac:
      description: Its MAC.
      type: str
    security_groups:
      description: Its security groups.
      type: list
      elements: str
    description:
      description: Its description.
      type: str
    labels:
      description: Its labels.
      type: dict
    server:
      description: The server that has it.
      type: str
    floating_ip:
      description: The floating address that leads to it.
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
    main('port')
