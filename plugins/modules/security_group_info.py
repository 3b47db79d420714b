#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Get information about security groups."""

from __future__ import annotations

DOCUMENTATION = r"""
module: security_group_info
short_description: Get information about security groups
version_added: 0.1.0
description:
  - All security groups, the one of a name, or those with labels, as M(hanok.cloud.security_group) shows them.
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
- name: The groups that let in what comes to port 22
  hanok.cloud.security_group_info:
    query: "[?rules[?port_min <= `22` && port_max >= `22`]].name"
  register: groups

- name: The rules of the group that servers have when none is named
  hanok.cloud.security_group_info:
    name: default
    query: "[0].rules"
"""

RETURN = r"""
security_groups:
  description: The security groups, or what O(query) makes of them.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
    description:
      description: Its description.
      type: str
    rules:
      description: Its rules.
      type: list
      elements: dict
      contains:
        direction:
          description: V(ingress) or V(egress).
          type: str
        protocol:
          description: V(any), V(tcp), V(udp) or V(icmp).
          type: str
        port:
          description: A port (a number) or a range (text such as C(8000-8080)); null for all.
          type: raw
        remote:
          description: The other side, V(any), a CIDR, or C(group:NAME).
          type: str
    used_by:
      description: Names of the servers that have it.
      type: list
      elements: str
    named_by:
      description: Other groups whose rules name it.
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
    main('security_group')
