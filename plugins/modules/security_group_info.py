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
  - List all security groups, or those with a name or labels.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.filters
  - hanok.cloud.attributes.info
options:
  name:
    description: Name of the security group.
    type: str
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: Get the names of the groups that allow port 22
  hanok.cloud.security_group_info:
    query: "[?rules[?port_min <= `22` && port_max >= `22`]].name"
  register: groups

- name: Get the rules of the group that servers use by default
  hanok.cloud.security_group_info:
    name: default
    query: "[0].rules"
"""

RETURN = r"""
security_groups:
  description:
    - The security groups, each like RV(hanok.cloud.security_group#module:security_group), or the
      result of O(query).
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
    main('security_group')
