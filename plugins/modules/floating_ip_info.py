#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Get information about floating IPs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: floating_ip_info
short_description: Get information about floating IPs
version_added: 0.1.0
description:
  - List all floating IPs, or those with a name or labels.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.filters
  - hanok.cloud.attributes.info
options:
  name:
    description: Name or address of the floating IP.
    type: str
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: Get the floating IPs that are not attached
  hanok.cloud.floating_ip_info:
    query: "[?fixed_ip == null].address"
  register: unused

- name: Get all floating IPs
  hanok.cloud.floating_ip_info:
"""

RETURN = r"""
floating_ips:
  description:
    - The floating IPs, each like RV(hanok.cloud.floating_ip#module:floating_ip), or the result of
      O(query).
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
    main('floating_ip')
