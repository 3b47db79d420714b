#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Manage snapshots of servers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: server_snapshot
short_description: Manage snapshots of servers
version_added: 0.1.0
description:
  - A snapshot has all disks of a server (its root volume and the volumes that are attached to it)
    at one instant, and, with O(memory=true), the memory of its guest. The server goes back to it
    with O(state=restored), and all that was written since then is lost.
  - A server that is restored with its memory continues exactly where it was. Otherwise the guest
    boots afresh, also if it was paused; a server that is stopped stays stopped. The sizes of
    volumes go back, too. Flavor, addresses, security groups and labels do not.
  - Snapshots are made of running, stopped and paused servers. The file systems of a guest that runs
    are frozen for that moment, if its guest agent answers within seconds; a snapshot with memory
    needs no frozen file systems, and pauses the guest while its memory is written.
  - Snapshots are in the disks themselves, and there are no chains. Any can be deleted at any time,
    also while the server runs. What they hold counts for the free space of the host.
  - A container has no disks. Its snapshot is a copy of its files, which are as many bytes again
    unless the file system of the host has reflinks (btrfs, XFS). Its processes stand still while
    they are copied, and O(memory) is refused.
  - A server with snapshots is deleted only with
    O(hanok.cloud.server#module:delete_snapshots=true). A volume that is part of a snapshot cannot
    be detached before the snapshot is deleted.
  - An OpenStack has no such snapshots. Create an image of the server there, with
    M(hanok.cloud.image).
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.attributes
options:
  name:
    description:
      - Name of the snapshot, unique for its server. Letters, digits, hyphens, underscores and dots.
    type: str
    required: true
  server:
    description: Name of the server.
    type: str
    required: true
  state:
    description:
      - V(present) makes the snapshot if it does not exist. V(restored) takes the server back to it.
        V(absent) deletes it.
      - V(restored) is an event, like O(hanok.cloud.server#module:state=restarted). It restores
        the server each time that the task runs, and always reports a change.
    type: str
    choices: [present, restored, absent]
    default: present
  memory:
    description:
      - Whether the snapshot has the memory of the guest, which must run then. The default for a new
        snapshot is V(false).
      - With O(state=restored), V(false) restores the disks only, of a snapshot that has memory. The
        memory can only be restored into the machine that it is of, with the same size, networks and
        volumes.
    type: bool
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
- name: Make a snapshot of the disks of a server
  hanok.cloud.server_snapshot:
    server: web-1
    name: before-upgrade
    description: as it was with version 1

- name: Go back to it; the guest boots afresh
  hanok.cloud.server_snapshot:
    server: web-1
    name: before-upgrade
    state: restored

- name: Make a snapshot with the memory of the guest
  hanok.cloud.server_snapshot:
    server: web-1
    name: running
    memory: true

- name: Go back to it; the guest continues where it was
  hanok.cloud.server_snapshot:
    server: web-1
    name: running
    state: restored

- name: Delete it
  hanok.cloud.server_snapshot:
    server: web-1
    name: running
    state: absent

- name: Delete the other one, which is older
  hanok.cloud.server_snapshot:
    server: web-1
    name: before-upgrade
    state: absent
"""

RETURN = r"""
server_snapshot:
  description: The snapshot; null if it does not exist.
  returned: success
  type: dict
  contains:
    id:
      description: UUID of the snapshot.
      type: str
    name:
      description: Name of the snapshot.
      type: str
    server:
      description: Name of the server.
      type: str
    status:
      description:
        - V(available), V(error) (a change was not completed), or the change in progress.
      type: str
    task_state:
      description:
        - What another run is doing with the snapshot; null if no run is working on it.
      type: str
    unfinished:
      description:
        - What an earlier run began and did not complete, because it was interrupted or failed; null
          if there is nothing. The next task for the snapshot completes it.
      type: str
    memory:
      description: Whether it has the memory of the guest.
      type: bool
    volumes:
      description: Sizes in GB of the volumes that are part of it, by name; none of a container.
      type: dict
    parent:
      description: Name of the snapshot that the server had come from; null if there is none.
      type: str
    current:
      description:
        - Whether the server has come from this snapshot. It is the latest one, or the one that was
          restored last.
      type: bool
    size:
      description:
        - Bytes that only this snapshot holds, so that its deletion frees them; null if that is not
          known, as of a container. Disks count in steps of 1 MiB.
      type: int
    changed_since:
      description:
        - Bytes of the disks that were written since the snapshot was made, in steps of 1 MiB; null
          if that is not known, as of a container. Of a guest that runs, the last seconds may be
          missing.
      type: int
    description:
      description: Description of the snapshot.
      type: str
    labels:
      description: Labels of the snapshot.
      type: dict
    project:
      description: Project of the snapshot.
      type: str
    created_by:
      description: User who created the snapshot.
      type: str
    created_at:
      description: Creation time of the snapshot (UTC).
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

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.server_snapshot import main

if __name__ == '__main__':
    main()
