#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Manage snapshots of volumes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: volume_snapshot
short_description: Manage snapshots of volumes
version_added: 0.1.0
description:
  - A snapshot has the content of one volume at an instant, also while a guest writes to it. The
    volume goes back to it with O(state=restored), and all that was written since then is lost. A
    new volume can be a copy of it (O(hanok.cloud.volume#module:snapshot)).
  - For all volumes of a server at one instant, and for its root volume, see
    M(hanok.cloud.server_snapshot).
  - The file systems of a guest that runs are frozen for that moment, if its guest agent answers
    within seconds.
  - Snapshots are in the disk itself, and there are no chains. Any can be deleted at any time, also
    while the volume is in use. What they hold counts for the free space of the host.
  - A volume with snapshots can be detached and attached to other servers, but not be deleted.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.attributes
options:
  name:
    description:
      - Name of the snapshot, unique for its volume. Letters, digits, hyphens, underscores and dots.
    type: str
    required: true
  volume:
    description: Name of the volume; not a root volume.
    type: str
    required: true
  state:
    description:
      - V(present) makes the snapshot if it does not exist. V(restored) takes the volume back to it,
        also its size; no server that has it may run. V(absent) deletes it.
      - V(restored) is an event, like O(hanok.cloud.server#module:state=restarted). It restores
        the volume each time that the task runs, and always reports a change.
      - An OpenStack restores only the latest snapshot, of a volume that is detached, and has not
        grown since.
    type: str
    choices: [present, restored, absent]
    default: present
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
- name: Make a snapshot of a volume, also while it is in use
  hanok.cloud.volume_snapshot:
    volume: photos
    name: migration
    description: before the migration

- name: Create another volume with what it held then
  hanok.cloud.volume:
    name: photos-migration
    snapshot: photos/migration

- name: Take the volume itself back to it; no server that has it may run
  hanok.cloud.volume_snapshot:
    volume: photos
    name: migration
    state: restored

- name: Delete it; the other volume stays
  hanok.cloud.volume_snapshot:
    volume: photos
    name: migration
    state: absent
"""

RETURN = r"""
volume_snapshot:
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
    volume:
      description: Name of the volume.
      type: str
    size:
      description: Size in GB that the volume had then.
      type: int
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

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.volume_snapshot import main

if __name__ == '__main__':
    main()
