#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Get information about load balancers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lb_info
short_description: Get information about load balancers
version_added: 0.1.0
description:
  - All load balancers, the one of a name, or those with labels, as M(hanok.cloud.lb) shows them.
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
- name: The addresses of the load balancers
  hanok.cloud.lb_info:
    query: "[].{name: name, address: floating_ip}"
  register: addresses

- name: The members of one of them
  hanok.cloud.lb_info:
    name: web
    query: "[0].members"
"""

RETURN = r"""
lbs:
  description: The load balancers, or what O(query) makes of them.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Its UUID.
      type: str
    name:
      description: Its name.
      type: str
    status:
      description: V(BUILD), V(ACTIVE) or V(ERROR).
      type: str
    network:
      description: Its network.
      type: str
    address:
      description: Its address there.
      type: str
    floating_ip:
      description: Its floating address.
      type: str
    algorithm:
      description: Its algorithm.
      type: str
    listeners:
      description: Its listeners.
      type: list
      elements: dict
      contains:
        port:
          description: The port that it listens on.
          type: int
        protocol:
          description: V(http) or V(tcp).
          type: str
        member_port:
          description: The port of the members.
          type: int
    members:
      description: Its members.
      type: list
      elements: str
    health:
      description: How each member is now, by the last health check.
      type: list
      elements: dict
      contains:
        name:
          description: The member.
          type: str
        status:
          description:
            - V(ONLINE), V(ERROR), V(NO_MONITOR) (no health check) or V(UNKNOWN) (the balancer does not tell yet).
          type: str
        reason:
          description: What the last check found, in the words of HAProxy.
          type: str
    health_check:
      description: Its health check; null when it has none.
      type: dict
      contains:
        protocol:
          description: V(http) or V(tcp).
          type: str
        port:
          description: The port that is checked; null for the member's own.
          type: int
        path:
          description: What is asked for with V(http).
          type: str
        interval:
          description: Seconds between checks.
          type: int
    description:
      description: Its description.
      type: str
    labels:
      description: Its labels.
      type: dict
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
    main('lb')
