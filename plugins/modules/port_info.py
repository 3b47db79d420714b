#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Get information about ports."""

from __future__ import annotations

DOCUMENTATION = r"""
module: port_info
short_description: Get information about ports
version_added: 0.1.0
description:
  - List all ports created by M(hanok.cloud.port), or those with a name or labels.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.filters
  - hanok.cloud.attributes.info
options:
  name:
    description: Name of the port.
    type: str
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: Get the ports that no server uses
  hanok.cloud.port_info:
    query: "[?server == null]"
  register: free_ports

- name: Get the ports with a label
  hanok.cloud.port_info:
    labels:
      licence: "4711"
"""

RETURN = r"""
ports:
  description: The ports, or the result of O(query).
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: UUID of the port.
      type: str
    name:
      description: Name of the port.
      type: str
    network:
      description: Network of the port.
      type: str
    fixed_ip:
      description: Fixed IP of the port.
      type: str
    mac:
      description: MAC address of the port.
      type: str
    security_groups:
      description: Names of the security groups of the port.
      type: list
      elements: str
    description:
      description: Description of the port.
      type: str
    labels:
      description: Labels of the port.
      type: dict
    server:
      description: Name of the server that uses the port; null if there is none.
      type: str
    floating_ip:
      description: Floating IP that is attached to the port; null if there is none.
      type: str
    project:
      description: Project of the port.
      type: str
    created_by:
      description: User who created the port.
      type: str
    created_at:
      description: Creation time of the port (UTC).
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
    main('port')
