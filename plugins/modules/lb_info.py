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
  - List all load balancers, or those with a name or labels.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.filters
  - hanok.cloud.attributes.info
options:
  name:
    description: Name of the load balancer.
    type: str
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: Get the addresses of the load balancers
  hanok.cloud.lb_info:
    query: "[].{name: name, address: floating_ip}"
  register: addresses

- name: Get the members of a load balancer
  hanok.cloud.lb_info:
    name: web
    query: "[0].members"
"""

RETURN = r"""
lbs:
  description: The load balancers, or the result of O(query).
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: UUID of the load balancer.
      type: str
    name:
      description: Name of the load balancer.
      type: str
    status:
      description: V(BUILD), V(ACTIVE) or V(ERROR) (it does not run, or was not completed).
      type: str
    network:
      description: Network of the load balancer.
      type: str
    address:
      description: Address of the load balancer in its network.
      type: str
    floating_ip:
      description: Floating IP of the load balancer; null if there is none.
      type: str
    algorithm:
      description: Balancing algorithm.
      type: str
    listeners:
      description: Listeners of the load balancer.
      type: list
      elements: dict
      contains:
        port:
          description: Port on which the load balancer listens.
          type: int
        protocol:
          description: V(http) or V(tcp).
          type: str
        member_port:
          description: Port of the members.
          type: int
    members:
      description: Names of the member servers.
      type: list
      elements: str
    health:
      description: Health of each member, from the last health check.
      type: list
      elements: dict
      contains:
        name:
          description: Name of the member.
          type: str
        status:
          description:
            - V(ONLINE), V(ERROR), V(NO_MONITOR) (no health check) or V(UNKNOWN) (not checked yet).
          type: str
        reason:
          description: Result of the last check, as HAProxy reports it.
          type: str
    health_check:
      description: Health check of the members; null if there is none.
      type: dict
      contains:
        protocol:
          description: V(http) or V(tcp).
          type: str
        port:
          description: Port that is checked; null for the member port.
          type: int
        path:
          description: Path that is requested, for V(http).
          type: str
        interval:
          description: Seconds between checks.
          type: int
    description:
      description: Description of the load balancer.
      type: str
    labels:
      description: Labels of the load balancer.
      type: dict
    task_state:
      description:
        - What another run is doing with the load balancer; null if no run is working on it.
      type: str
    unfinished:
      description:
        - What an earlier run began and did not complete, because it was interrupted or failed; null
          if there is nothing. The next task for the load balancer completes it.
      type: str
    project:
      description: Project of the load balancer.
      type: str
    created_by:
      description: User who created the load balancer.
      type: str
    created_at:
      description: Creation time of the load balancer (UTC).
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
    main('lb')
