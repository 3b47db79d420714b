#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Manage flavors."""

from __future__ import annotations

DOCUMENTATION = r"""
module: flavor
short_description: Manage flavors
version_added: 0.1.0
description:
  - A flavor is a size of servers. There is a built-in catalogue (families general, cpu and memory);
    this module adds flavors to it.
  - Flavors of the catalogue cannot be changed or deleted.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.attributes
options:
  name:
    description: Name of the flavor. Letters, digits, hyphens, underscores and dots.
    type: str
    required: true
  state:
    description: Desired state of the flavor.
    type: str
    choices: [present, absent]
    default: present
  family:
    description: Family of the flavor. Defaults to V(general).
    type: str
    choices: [general, cpu, memory, gpu]
  vcpus:
    description: Number of vCPUs. Required to create the flavor.
    type: int
  memory:
    description: Memory in MiB. Required to create the flavor.
    type: int
  disk:
    description: Size of the root volume in GB (2^30 bytes). Required to create the flavor.
    type: int
  max_vcpus:
    description:
      - Number of vCPUs that a server can have without a restart, when it gets another flavor. It is
        that of the flavor with which the machine was last started, so the flavors of a server that
        is to grow all have it.
      - More vCPUs are given live; fewer always need a restart. Not for an OpenStack.
    type: int
  max_memory:
    description:
      - As O(max_vcpus), of memory in MiB. Memory is given and taken live (balloon). The guest boots
        with as much as this, and gives back what its server does not have.
    type: int
  limits:
    description:
      - Limits of the bandwidth and the operations of each server of the flavor. If set, these are
        all that there are; V({}) removes them.
      - On the local cloud they change at once for all servers of the flavor, also while these run.
        In an OpenStack a server has those that its flavor had when it was created or resized.
      - Like Nova, libvirt limits each disk and each network interface on its own.
      - In an OpenStack they are extra specs of the flavor, and only administrators may set them.
    type: dict
    suboptions:
      disk_read_mib:
        description:
          - What is read from a disk, in MiB (2^20 bytes) per second. Nova has it as
            C(quota:disk_read_bytes_sec).
        type: int
      disk_write_mib:
        description:
          - What is written to a disk, in MiB (2^20 bytes) per second. Nova has it as
            C(quota:disk_write_bytes_sec).
        type: int
      disk_iops:
        description:
          - Reads and writes of a disk per second. Nova has it as C(quota:disk_total_iops_sec).
        type: int
      network_in_mbit:
        description:
          - What an interface receives, in Mbit (10^6 bits) per second. Nova has it as
            C(quota:vif_inbound_average), in kilobytes.
          - It is refused if the kernel of the host cannot limit bandwidth.
        type: int
      network_out_mbit:
        description:
          - What an interface sends, in Mbit (10^6 bits) per second. Nova has it as
            C(quota:vif_outbound_average), in kilobytes.
          - It is refused if the kernel of the host cannot limit bandwidth.
        type: int
  visibility:
    description:
      - Which projects see the flavor and create servers of it, in the words of
        M(hanok.cloud.image). Defaults to V(private) for a new flavor, its own project; V(shared),
        those in O(shared_with), too; V(public), all projects. Those of the catalogue are public.
      - Only its own project changes or deletes it, not while servers of others have it. A flavor of
        the project goes before one of the same name that others share; of several flavors with one
        name only one is shared.
      - In an OpenStack its own project is that of the entry in C(clouds.yaml), and a flavor that
        exists does not become public, or cease to be.
    type: str
    choices: [private, shared, public]
  shared_with:
    description:
      - Names of other projects that see the flavor. If set, they replace all of them, and
        O(visibility) is V(shared). A project whose servers have the flavor stays among them.
      - In an OpenStack they are in the domain of the project of the task, and exist.
    type: list
    elements: str
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
- name: Create a flavor
  hanok.cloud.flavor:
    name: our.small
    vcpus: 1
    memory: 256
    disk: 2

- name: Create a flavor with much memory for databases
  hanok.cloud.flavor:
    name: our.database
    family: memory
    vcpus: 2
    memory: 8192
    disk: 20
    description: For databases of up to 6 GiB

- name: Create a flavor whose servers can grow while they run
  hanok.cloud.flavor:
    name: our.growing
    vcpus: 1
    memory: 256
    disk: 2
    max_vcpus: 2
    max_memory: 512

- name: Limit the disks of all servers of a flavor, also of those that run
  hanok.cloud.flavor:
    name: our.small
    limits:
      disk_read_mib: 100
      disk_write_mib: 50
      disk_iops: 1000

- name: Remove all limits of a flavor
  hanok.cloud.flavor:
    name: our.small
    limits: {}

- name: Share a flavor with another project
  hanok.cloud.flavor:
    name: our.database
    shared_with: [blue]

- name: Update the description of a flavor
  hanok.cloud.flavor:
    name: our.database
    description: For databases

- name: Delete a flavor
  hanok.cloud.flavor:
    name: our.small
    state: absent
"""

RETURN = r"""
flavor:
  description: The flavor; null if it does not exist.
  returned: success
  type: dict
  contains:
    id:
      description: UUID of the flavor.
      type: str
    name:
      description: Name of the flavor.
      type: str
    family:
      description: Family of the flavor.
      type: str
    vcpus:
      description: Number of vCPUs.
      type: int
    memory:
      description: Memory in MiB.
      type: int
    disk:
      description: Size of the root volume in GB.
      type: int
    max_vcpus:
      description: Number of vCPUs that its servers can have without a restart; null if no more.
      type: int
    max_memory:
      description: Memory in MiB that its servers can have without a restart; null if no more.
      type: int
    limits:
      description: Limits of each server of the flavor, by option of O(limits); without those unset.
      type: dict
      sample: {disk_iops: 1000}
    visibility:
      description:
        - V(private), V(shared) or V(public). Only administrators of an OpenStack see with whom
          others share a flavor; it is V(private) for those who may use it.
      type: str
    shared_with:
      description: Names of the projects that it is shared with.
      type: list
      elements: str
    owner:
      description:
        - Name of the project that shares it; empty for a flavor of the project itself, of the
          catalogue, and in an OpenStack.
      type: str
    description:
      description: Description of the flavor.
      type: str
    built_in:
      description: Whether the flavor belongs to the built-in catalogue.
      type: bool
    used_by:
      description:
        - Names of the servers that use the flavor. Those of other projects are written
          C(PROJECT/NAME), and shown to its own project only; in an OpenStack there are none of
          them.
      type: list
      elements: str
    labels:
      description: Labels of the flavor.
      type: dict
    task_state:
      description: What another task is doing with the flavor now (V(updating)); null otherwise.
      type: str
    unfinished:
      description:
        - What an earlier task did not complete (V(updating)). The next task for the flavor
          completes it.
      type: str
    project:
      description: Project of the flavor.
      type: str
    created_by:
      description: User who created the flavor.
      type: str
    created_at:
      description: Creation time of the flavor (UTC).
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

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.flavor import main

if __name__ == '__main__':
    main()
