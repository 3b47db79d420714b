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
  - HAProxy with an address of its own in a network. Its listeners are open to everybody; nothing else is.
  - A change of members or listeners drops no connection.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.attributes
options:
  name:
    description:
      - The name of the balancer. Letters, digits, hyphen, underscore and dot.
      - No server or other balancer in its network has it, in upper or lower case, because it is its DNS name there.
    type: str
    required: true
  state:
    description: Whether it is to be there.
    type: str
    choices: [present, absent]
    default: present
  network:
    description: Its network. V(default) when left out.
    type: str
  algorithm:
    description: V(round_robin), V(least_connections) or V(source_ip), in either case. V(round_robin) when left out.
    type: str
  listeners:
    description: Where it listens. Needed to make it.
    type: list
    elements: dict
    suboptions:
      protocol:
        description: V(http) or V(tcp), in either case.
        type: str
        default: http
      port:
        description: The port that it listens on.
        type: int
        required: true
      member_port:
        description: The port of the members. The same one when left out.
        type: int
  members:
    description:
      - Names of servers with a port in its network; when said, they are the whole set.
      - The name of a group of servers (O(hanok.cloud.server#module:count)) stands for all that it has when the task runs.
    type: list
    elements: str
  health_check:
    description: How members are found to be alive. Two failures take one out, two successes bring it back.
    type: dict
    suboptions:
      protocol:
        description: V(http) or V(tcp), in either case; V(none) takes the health check away.
        type: str
        default: http
      port:
        description: The port that is checked. The member's own when left out.
        type: int
      path:
        description: What is asked for with V(http).
        type: str
        default: /
      interval:
        description: Seconds between checks.
        type: int
        default: 1
  floating_ip:
    description: V(auto) for one that goes with it, V(none), or an address.
    type: str
  wait_for:
    description:
      - V(healthy) waits until the balancer finds all of its members healthy, at most O(wait_timeout) seconds. It needs a health check.
    type: str
    choices: [healthy]
  description:
    description: One line of at most 255 characters.
    type: str
  labels:
    description: Labels; when said, they are the whole set.
    type: dict
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: A balancer for two web servers, reached from outside
  hanok.cloud.lb:
    name: shop
    listeners:
      - port: 80
    members: [web-1, web-2]
    health_check:
      port: 80
    floating_ip: auto

- name: Take a member out before work on it; the others go on
  hanok.cloud.lb:
    name: shop
    members: [web-2]

- name: Send each client to the same member always, and ask the members for a page to see that they live
  hanok.cloud.lb:
    name: shop
    algorithm: source_ip
    members: [web-1, web-2]
    health_check:
      path: /health
      interval: 5

- name: A balancer inside, for TCP, to another port of the members
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

- name: Remove a balancer, and the floating IP that came with it
  hanok.cloud.lb:
    name: shop
    state: absent
"""

RETURN = r"""
lb:
  description: The balancer; null when it is absent.
  returned: success
  type: dict
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
msg:
  description: One line that says what was done and why, or in check mode would be, or what went wrong.
  returned: always
  type: str
steps:
  description: What was done, in that order; in check mode what would be.
  returned: success
  type: list
  elements: dict
  contains:
    what:
      description: The step.
      type: str
    why:
      description: Why it is needed; empty where that goes without saying.
      type: str
    seconds:
      description: How long it took.
      returned: when it was done
      type: float
refused:
  description: What speaks against the task, each as a sentence; nothing was done.
  returned: when it is refused
  type: list
  elements: str
"""

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.lb import main

if __name__ == '__main__':
    main()
