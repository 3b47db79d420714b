#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Get how much memory, vCPUs and disk space are used and free."""

from __future__ import annotations

DOCUMENTATION = r"""
module: capacity_info
short_description: Get how much memory, vCPUs and disk space are used and free
version_added: 0.1.0
description:
  - Return the limits with which tasks are compared before they create or enlarge something, what is
    used of them, and how many servers of each flavor still fit.
  - On the local cloud these are the limits of the host, which all projects share. The limit of
    memory and of vCPUs is C((total - reserved) * allocation_ratio), as in Nova's Placement. The
    operator sets it with the variables C(host_ram_allocation_ratio),
    C(host_cpu_allocation_ratio) and C(host_reserved_memory_mb) of the role
    P(hanok.cloud.host#role).
  - A server holds its memory and vCPUs also while it is stopped or paused, and gives them back when
    it is shelved. After a resize it holds the larger of both sizes until that is confirmed or
    reverted. The container of a load balancer may use 256 MiB.
  - Disks grow when they are written to. So what is free of the disk is what is free now, unless
    C(host_disk_allocation_ratio) is set. Then the sizes of all volumes are used.
  - In an OpenStack these are the quotas of the project.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.attributes.info
seealso:
  - module: hanok.cloud.flavor_info
  - plugin: hanok.cloud.most_room
    plugin_type: filter
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: Get what is free
  hanok.cloud.capacity_info:
  register: found

- name: Show how many small servers still fit
  ansible.builtin.debug:
    msg: "{{ found.capacity.fits['g1.small'] }} servers, {{ found.capacity.memory.free }} MiB free"
"""

RETURN = r"""
capacity:
  description: What is used and free.
  returned: success
  type: dict
  contains:
    memory:
      description: Memory in MiB. None if it is not limited.
      type: dict
      contains: &contains
        total:
          description: What the host has; the quota of an OpenStack.
          type: int
        reserved:
          description: What of it is not for servers.
          type: int
        allocation_ratio:
          description: How many times the rest may be allocated.
          type: float
        limit:
          description: How much can be used.
          type: int
        used:
          description: How much is used.
          type: int
        free:
          description: How much is left; 0 if more is used than the limit.
          type: int
    vcpus:
      description: vCPUs. None if they are not limited.
      type: dict
      contains: *contains
    disk:
      description:
        - Disk space in GB (2^30 bytes), of the root disks too; in an OpenStack, of volumes. None if
          it is not limited.
      type: dict
      contains: *contains
    volume_types:
      description:
        - Disk space in GB for volumes of each other type, by its name (C(host_volume_types) of the
          role P(hanok.cloud.host#role)). Empty in an OpenStack.
      type: dict
      sample: {ssd: {total: 500, limit: 500, used: 40, free: 460}}
    servers:
      description: Number of servers. None if it is not limited, as on the local cloud.
      type: dict
      contains: *contains
    ports:
      description: Number of ports. None if it is not limited, as on the local cloud.
      type: dict
      contains: *contains
    fits:
      description:
        - How many servers of each flavor still fit, by the name of the flavor. None if nothing
          limits their number.
      type: dict
      sample: {g1.small: 3, g1.large: 0}
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

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.capacity import main

if __name__ == '__main__':
    main()
