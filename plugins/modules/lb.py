#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Manage load balancers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lb
short_description: Manage load balancers
version_added: 0.1.0
description:
  - A load balancer is an HAProxy with its own address in a network. Its listeners are open to
    everyone, and nothing else is.
  - Changes of members or listeners drop no connections.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.attributes
options:
  name:
    description:
      - Name of the load balancer. Letters, digits, hyphens, underscores and dots.
      - It is a DNS name in the network, so it must be unique among the servers and load balancers
        of the network, ignoring case.
    type: str
    required: true
  state:
    description: Desired state of the load balancer.
    type: str
    choices: [present, absent]
    default: present
  network:
    description: Network of the load balancer. Defaults to V(default).
    type: str
  algorithm:
    description:
      - Balancing algorithm, V(round_robin), V(least_connections) or V(source_ip), in any case.
        Defaults to V(round_robin).
    type: str
  listeners:
    description: Listeners. Required to create the load balancer.
    type: list
    elements: dict
    suboptions:
      protocol:
        description: V(http) or V(tcp), in any case.
        type: str
        default: http
      port:
        description: Port on which the load balancer listens.
        type: int
        required: true
      member_port:
        description: Port of the members. Defaults to the port of the listener.
        type: int
  members:
    description:
      - Names of servers with an interface in the network. If set, they replace all existing
        members.
      - The name of a group (O(hanok.cloud.server#module:count)) stands for all servers that it has
        when the task runs.
    type: list
    elements: str
  health_check:
    description:
      - Health check of the members. A member is taken out after two failures, and back in after two
        successes.
    type: dict
    suboptions:
      protocol:
        description: V(http) or V(tcp), in any case; V(none) removes the health check.
        type: str
        default: http
      port:
        description: Port to check. Defaults to the member port.
        type: int
      path:
        description: Path to request, for V(http).
        type: str
        default: /
      interval:
        description: Seconds between checks.
        type: int
        default: 1
  floating_ip:
    description:
      - V(auto) for a floating IP that is created and deleted with the load balancer, V(none), or an
        address.
    type: str
  wait_for:
    description:
      - V(healthy) waits until all members are healthy, at most O(wait_timeout) seconds, unless
        O(wait=false). Requires a health check.
    type: str
    choices: [healthy]
  description:
    description: Description, one line of at most 255 characters.
    type: str
  labels:
    description: Labels. If set, they replace all existing labels.
    type: dict
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: Create a load balancer for two web servers, with a floating IP
  hanok.cloud.lb:
    name: shop
    listeners:
      - port: 80
    members: [web-1, web-2]
    health_check:
      port: 80
    floating_ip: auto

- name: Remove a member before maintenance; the other ones stay
  hanok.cloud.lb:
    name: shop
    members: [web-2]

- name: Always send a client to the same member, and check the members with a page
  hanok.cloud.lb:
    name: shop
    algorithm: source_ip
    members: [web-1, web-2]
    health_check:
      path: /health
      interval: 5

- name: Create an internal TCP load balancer with another port on the members
  hanok.cloud.lb:
    name: queue
    network: default
    algorithm: least_connections
    listeners:
      - protocol: tcp
        port: 5672
        member_port: 15672
      - protocol: tcp
        port: 61613
    members: [web-1, web-2]
    health_check:
      protocol: tcp
    labels:
      tier: queue

- name: Delete a load balancer and the floating IP that was created with it
  hanok.cloud.lb:
    name: shop
    state: absent
"""

RETURN = r"""
lb:
  description: The load balancer; null if it does not exist.
  returned: success
  type: dict
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
msg:
  description:
    - Summary of the changes with their reasons; in check mode, of those that would be made. The
      error message if the task fails.
  returned: always
  type: str
steps:
  description:
    - The changes in the order in which they were made; in check mode, those that would be made.
  returned: success
  type: list
  elements: dict
  contains:
    what:
      description: The step.
      type: str
    why:
      description: Reason for the step; empty if it is obvious.
      type: str
    seconds:
      description: Duration of the step in seconds.
      returned: unless in check mode
      type: float
refused:
  description: Reasons why the task was refused, one sentence each. Nothing was changed.
  returned: when the task is refused
  type: list
  elements: str
errors:
  description: What is wrong, an item for each problem. V(msg) has all of them in one line.
  returned: on failure
  type: list
  elements: dict
  contains:
    code:
      description:
        - V(invalid), a wrong value; V(refused), not possible in the present state; V(missing), it
          refers to what does not exist; V(busy), another run holds or has just changed it;
          V(timeout); V(unsupported) by the cloud; V(failed); V(defect) of this collection.
      type: str
      sample: busy
    kind:
      description: Kind of the resource, such as V(server); null if it is about none.
      type: str
    name:
      description: Name of the resource; null if it is about none.
      type: str
    option:
      description: Option that it is about; null if it is about none.
      type: str
    msg:
      description: What is wrong, and what to do about it.
      type: str
"""

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.lb import main

if __name__ == '__main__':
    main()
