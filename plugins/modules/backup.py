#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Manage backups of servers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup
short_description: Manage backups of servers
version_added: 0.1.0
description:
  - A backup is a copy of the root disk of a server, and of its volumes if they are to be in it, or
    of the files of a container, in a store that the operator of the host names
    (C(host_backup_stores) of the role C(hanok.cloud.host)), such as a disk of its own or a mount of
    NFS. It depends on nothing else, unless it is incremental (O(incremental)), and stays when the
    server is deleted.
  - It has what all disks held at one instant, also while the guest runs and writes on. The file
    systems of a guest are frozen for that moment, if its guest agent answers within seconds.
  - A container stands still, or is off, until its files are copied (O(mode)). Its first-boot
    content, and what is in C(/dev), C(/proc), C(/run) and C(/sys), is not in the backup.
  - The memory of the server and the variables of its firmware are not in it, and the volumes that
    are attached to the server only with O(include_volumes).
  - A new server with the data of a backup, and with any other options, is created from an image of
    it (O(hanok.cloud.image#module:backup)), and new volumes for it are created from the volumes in
    the backup (O(hanok.cloud.volume#module:backup)).
  - Beside the copy a store has a file C(manifest.json) with what the server was, and no secrets.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.attributes
options:
  name:
    description:
      - Name of the backup, unique within the project. Letters, digits, hyphens, underscores and
        dots. A backup that exists is never made again.
    type: str
    required: true
  server:
    description:
      - Name of the server. Required to create a backup. Otherwise the task fails if the backup is
        one of another server.
    type: str
  store:
    description:
      - Name of the store. Required to create a backup if the host has several.
    type: str
  mode:
    description:
      - V(snapshot) backs a virtual machine up as it is. V(stop) lets the guest shut down before,
        and starts it again before anything is copied, so that it is off for as long as a reboot
        takes.
      - V(suspend) is for containers. All of its processes are frozen until its files are copied;
        connections to it stay. With V(stop) a container is off until then.
      - A new backup is of mode V(snapshot), of a container of mode V(suspend), if this is not set.
        Containers have no V(snapshot), and virtual machines no V(suspend).
    type: str
    choices: [snapshot, suspend, stop]
  include_volumes:
    description:
      - Whether the volumes that are attached to the server are in the backup, too. It has all disks
        as they were at one instant. A new backup is without them if this is not set. The volumes of
        a container are in no backup of it.
      - With O(state=restored) those in the backup are restored, too, if they are attached to the
        server; what was attached since then stays as it is. One that was deleted is not made again.
        This option is not set then.
    type: bool
  incremental:
    description:
      - Whether a new backup has only what changed since the newest one of the server in the store
        that it can be based on (RV(backup.base)). It is restored like any other one, and needs the
        backups that it stands on. These cannot be deleted before it.
      - The first one has everything. So has one for which nothing tells what changed, or that would
        be the eighth in a row; RV(steps) says why. It is whole for a container, a server that does
        not run, and with O(mode=stop); if the volumes in it are others, or QEMU crashed, or a disk
        was restored or rebuilt since the one before; and after a backup without this option.
      - An existing backup is not compared with this option. With it a running virtual machine keeps
        track of what changes, also after the backup, at the cost of some memory.
    type: bool
    default: false
  force:
    description:
      - Whether a guest that has to be off, for O(mode=stop) or O(state=restored), is powered off
        instead of asked to shut down.
      - With O(state=absent), a backup whose store cannot be used is forgotten, and its files stay
        where they are. One whose restore was interrupted is deleted, which leaves the server with
        what its disks have by then.
    type: bool
    default: false
  keep_last:
    description:
      - How many backups of the server are kept, the newest ones (1 to 10,000). Others that neither
        this nor O(keep_daily) nor O(keep_weekly) keeps are deleted, after the backup of the task
        was made, or if it existed; it stays itself, also if it is an old one. If none of these is
        set, all are kept.
      - The backup of the task itself is kept in any case. Backups that are protected, cannot be
        read now, were not completed, or are of a server that was deleted, are kept, and not
        counted. One that an incremental backup stands on is kept for as long as that is.
    type: int
  keep_daily:
    description:
      - For how many days that have a backup (of UTC) the newest one of the day is kept (1 to
        10,000), see O(keep_last). Each of the options looks at all backups of the server.
    type: int
  keep_weekly:
    description:
      - For how many weeks that have a backup (from Monday to Sunday, of UTC) the newest one of the
        week is kept (1 to 10,000), see O(keep_last).
    type: int
  state:
    description:
      - V(present) makes the backup if it does not exist. V(absent) deletes it.
      - V(restored) gives the server the disk, or the files, back that it had then. All that was
        written since then is lost. The checksum of the backup is compared, and the disk is copied,
        while the server runs; then it shuts down, and starts with that disk if it ran before. A
        restore whose copies do not fit beside the disks is refused.
      - V(aborted) ends the making of the backup by another task, which fails then, and says who
        aborted it. The server goes on as it was, and nothing of the backup is left in its disks or
        in the store. Also what a task has left that was killed is removed. It takes until that task
        has noticed, and has let a guest go on that was shut down or frozen, for at most
        O(wait_timeout).
      - A backup that does not exist, or is complete (with a warning), stays as it is with
        V(aborted); V(absent) deletes it. A restore is not aborted.
      - V(restored) is an event, like O(hanok.cloud.server#module:state=restarted). It restores the
        server each time that the task runs, and always reports a change.
      - The files of a container are unpacked beside those that it has, and replace them. The
        first-boot content is that of today; it does not run again.
      - A disk that has grown since then keeps its size. A server that was deleted, also if another
        one has its name by now, and one that has snapshots, is refused. So is a volume that has
        snapshots, or is no longer attached to the server.
    type: str
    choices: [present, restored, absent, aborted]
    default: present
  delete_protection:
    description: Whether the backup is protected from deletion.
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
- name: Back up a server, also while it runs
  hanok.cloud.backup:
    name: store-monday
    server: store
    description: before the upgrade

- name: Protect the backup
  hanok.cloud.backup:
    name: store-monday
    delete_protection: true

- name: Back up the server once a day, and keep a week, and four weeks before that
  hanok.cloud.backup:
    name: "store-{{ now(utc=true, fmt='%Y-%m-%d') }}"
    server: store
    keep_daily: 7
    keep_weekly: 5

- name: Back up what changed, and everything every eighth time
  hanok.cloud.backup:
    name: store-now
    server: store
    incremental: true

- name: Give the server the disk back that it had then
  hanok.cloud.backup:
    name: store-monday
    state: restored

- name: Abort a backup that another task is making
  hanok.cloud.backup:
    name: store-tonight
    state: aborted

- name: Attach a volume to the server
  hanok.cloud.volume:
    name: orders
    size: 1
    server: store
    state: attached

- name: Back up the server with its volumes
  hanok.cloud.backup:
    name: store-all
    server: store
    include_volumes: true

- name: Create a new volume with what the volume had then
  hanok.cloud.volume:
    name: orders-then
    backup: store-all/orders

- name: Delete the backup, also a protected one
  hanok.cloud.backup:
    name: store-monday
    delete_protection: false
    state: absent
"""

RETURN = r"""
backup:
  description: The backup; null if it does not exist.
  returned: success
  type: dict
  contains:
    id:
      description: UUID of the backup, which is the name of its folder in the store.
      type: str
    name:
      description: Name of the backup.
      type: str
    server:
      description:
        - Name of the server; if that does not exist any more, the one that it had then.
      type: str
    store:
      description: Name of the store.
      type: str
    mode:
      description: V(snapshot), V(suspend) or V(stop), as it was made.
      type: str
    volume_size:
      description:
        - Size in GB that the root disk had then; of a container the limit of its files, or null if
          it had none.
      type: int
    size:
      description: Size of the copy of the root disk, or of the files, in bytes. It is compressed.
      type: int
    checksum:
      description: Checksum of that copy, as in V(sha256:...).
      type: str
    include_volumes:
      description: Whether it is a backup with the volumes of the server.
      type: bool
    incremental:
      description: Whether it has only what changed since another one.
      type: bool
    base:
      description: Name of the backup since which it has what changed; null if it has everything.
      type: str
    volumes:
      description: The volumes in it; none without RV(backup.include_volumes).
      type: list
      elements: dict
      contains:
        id:
          description: UUID of the volume.
          type: str
        name:
          description: Name that the volume had then.
          type: str
        volume_size:
          description: Size in GB that it had then.
          type: int
        volume_type:
          description: Type that it had then.
          type: str
        size:
          description: Size of the copy in bytes. It is compressed.
          type: int
        checksum:
          description: Checksum of the copy, as in V(sha256:...).
          type: str
    config:
      description:
        - What the server was then, by the names that M(hanok.cloud.server) returns; what was given
          to its first boot is not in it.
      type: dict
    status:
      description:
        - V(available), V(unavailable) (the copy cannot be read now), V(error) (a change was not
          completed), or the change in progress.
      type: str
    status_reason:
      description: Why it cannot be read now; null if it can.
      type: str
    task_state:
      description:
        - What another run is doing with the backup; null if no run is working on it.
      type: str
    progress:
      description:
        - How far the copy is that another run makes of it, or to it; null if there is none.
      type: dict
      contains:
        percent:
          description: Per cent of the bytes of the disk or of the file that is copied now.
          type: float
        seconds_left:
          description: Seconds that the rest takes at the rate so far; null at the beginning.
          type: int
    unfinished:
      description:
        - What an earlier run began and did not complete, because it was interrupted or failed; null
          if there is nothing. The next task for the backup completes it.
      type: str
    delete_protection:
      description: Whether the backup is protected from deletion.
      type: bool
    description:
      description: Description of the backup.
      type: str
    labels:
      description: Labels of the backup.
      type: dict
    project:
      description: Project of the backup.
      type: str
    created_by:
      description: User who created the backup.
      type: str
    created_at:
      description: Creation time of the backup (UTC).
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

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.backup import main

if __name__ == '__main__':
    main()
