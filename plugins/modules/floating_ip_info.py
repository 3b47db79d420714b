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
  - All floating IPs, the one of a name, or those with labels, as M(hanok.cloud.floating_ip) shows them.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.filters
  - hanok.cloud.attributes.info
options:
  name:
    description: A name, or an address.
    type: str
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: The floating IPs that nobody uses
  hanok.cloud.floating_ip_info:
    query: "[?fixed_ip == null].address"
  register: unused

- name: All of them
  hanok.cloud.floating_ip_info:
"""

RETURN = r"""
floating_ips:
  description: The floating IPs, or what O(query) makes of them.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name; its address when it was given none.
      type: str
    address:
      description: The address.
      type: str
    pool:
      description: Its pool.
      type: str
    server:
      description: The server that has it.
      type: str
    lb:
      description: The load balancer that has it.
      type: str
    port:
      description: The port it leads to, if that was made by name.
      type: str
    fixed_ip:
      description: The address it leads to.
      type: str
    automatic:
      description: Whether it came with a server or balancer, and goes with it.
      type: bool
    description:
      description: Its description.
      type: str
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
    main('floating_ip')
