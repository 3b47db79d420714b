#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Manage projects."""

from __future__ import annotations

DOCUMENTATION = r"""
module: project
short_description: Manage projects
version_added: 0.1.0
description:
  - Declares a project, says who may use it, and limits how much of the host it may use.
  - A project needs no task of its own, since it exists as soon as something is created in it. Such
    a project has no members and no quotas.
  - Quotas are compared with what a task needs before anything is changed, in check mode too, and
    once more when it is recorded, so that tasks that run at the same time cannot exceed them
    together. What exists already stays if a quota is lower.
  - In an OpenStack it manages projects of Keystone, in the domain of the project of the entry in
    C(clouds.yaml), with the users and the quotas of the services that there are. Mostly only
    administrators may do that; others are refused.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.attributes
options:
  name:
    description:
      - Name of the project. Letters, digits, hyphens, underscores and dots. V(default) is the
        project of the entry in C(clouds.yaml).
      - The option O(project) has no effect here.
    type: str
    required: true
  state:
    description:
      - Desired state of the project. V(absent) is refused while the project holds anything, and for
        the project V(default).
    type: str
    choices: [present, absent]
    default: present
  members:
    description:
      - Who may use the project, by the names that the option O(actor) of tasks has. If set, they
        replace all members. A project without members is open to everybody who runs tasks as root,
        unless O(hanok.cloud.host#role:main:host_admins) names who that is.
      - Others may neither change anything in it nor look at it.
      - At least one of them is an admin, and so is who runs the task.
      - In an OpenStack they are users of Keystone in the domain of the project, and O(actor) is not
        asked. Users with other roles, and those of other domains, stay and are not shown.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the member.
        type: str
        required: true
      role:
        description:
          - V(member) creates, changes and deletes everything in the project but floating IPs and
            what they are attached to; V(admin) does that, too, and manages the members.
          - Key pairs belong to who created them, whatever the roles are.
          - In an OpenStack V(member) is the role C(member) and V(admin) is C(manager), since
            whoever has the role C(admin) of Keystone is an administrator of the whole cloud. What
            they may do is decided by its services.
        type: str
        choices: [admin, member]
        default: member
  quotas:
    description:
      - How much the project may have. A quota that is left out is not changed; V(-1) is no limit,
        which is the default. In an OpenStack its operator decides about the default.
    type: dict
    suboptions:
      servers:
        description: Servers, whether they run or not.
        type: int
      vcpus:
        description: vCPUs of all servers.
        type: int
      memory:
        description: Memory of all servers in MiB.
        type: int
      volumes:
        description: Volumes, without the root volumes of servers.
        type: int
      volume_size:
        description: Size of all volumes in GB (2^30 bytes), with the root volumes of servers.
        type: int
      server_snapshots:
        description: Snapshots of servers. Not for an OpenStack.
        type: int
      networks:
        description: Networks.
        type: int
      ports:
        description: Ports, those of servers and those that were created by name.
        type: int
      security_groups:
        description: Security groups, without the group V(default) that each project has.
        type: int
      security_group_rules:
        description: Rules of all security groups.
        type: int
      floating_ips:
        description: Floating IPs.
        type: int
      lbs:
        description: Load balancers.
        type: int
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
- name: Create a project that may have four small servers
  hanok.cloud.project:
    name: blue
    quotas:
      servers: 4
      vcpus: 4
      memory: 4096
      volume_size: 100

- name: Let two users of AWX use a project, one of them as admin
  hanok.cloud.project:
    name: red
    actor: alice
    members:
      - name: alice
        role: admin
      - name: bob

- name: Lift one of its quotas
  hanok.cloud.project:
    name: blue
    quotas:
      servers: -1

- name: Delete a project that holds nothing
  hanok.cloud.project:
    name: green
    state: absent
"""

RETURN = r"""
project:
  description: The project; null if it does not exist.
  returned: success
  type: dict
  contains:
    id:
      description: UUID of the project; empty if no task has declared it.
      type: str
    name:
      description: Name of the project.
      type: str
    description:
      description: Description of the project.
      type: str
    labels:
      description: Labels of the project.
      type: dict
    quotas:
      description: Its quotas, by the name that they have in O(quotas). What is left out has none.
      type: dict
    members:
      description: Who may use the project; null if none were declared, or are shown to the user.
      type: list
      elements: dict
      contains:
        name:
          description: Name of the member.
          type: str
        role:
          description: Role of the member, V(admin) or V(member).
          type: str
    used:
      description:
        - How much it has of what quotas may limit, and how many items of other kinds, such as
          V(images). What it has none of is left out.
      type: dict
    created_by:
      description: User who declared the project.
      type: str
    created_at:
      description: Time when the project was declared (UTC); empty in an OpenStack.
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

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.project import main

if __name__ == '__main__':
    main()
