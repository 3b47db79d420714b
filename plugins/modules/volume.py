#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Manage volumes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: volume
short_description: Manage volumes
version_added: 0.1.0
description:
  - A volume is a disk that is created on its own, and attached to servers while they run. It is
    blank, or a copy of an image, of another volume, or of a snapshot of one.
  - The root volume of a server is created and deleted with the server. It is called like the server
    and V(/root), as in V(web/root), and can be extended, described and labelled, but not be
    detached.
  - With O(file_system), it is for containers. The host makes the file system, and mounts it in the
    container that has it.
  - Detaching a volume that is mounted in the guest is refused unless O(force=true).
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.attributes
options:
  name:
    description:
      - Name of the volume. Letters, digits, hyphens, underscores and dots; for a root volume, the
        name of its server, followed by V(/root).
    type: str
    required: true
  state:
    description:
      - V(present) creates the volume. V(attached) also attaches it to O(server) or O(servers), and
        detaches it from other servers first.
      - V(detached) creates the volume, or detaches it. V(absent) deletes it; it must be detached.
    type: str
    choices: [present, attached, detached, absent]
    default: present
  size:
    description:
      - Size of the volume in GB (2^30 bytes), 1 to 5120. Required to create a blank one; a copy is
        as large as what it is a copy of, or larger. It can grow, also while it is in use, and never
        shrinks.
    type: int
  volume_type:
    description:
      - Type of the volume, which decides where its disk is. On the local cloud, one that the
        operator has named in C(host_volume_types) of the role P(hanok.cloud.host#role), or
        V(default), which new volumes have without this option; in an OpenStack, a volume type of
        Cinder.
      - If it changes, the disk moves, also while a server uses it (see O(wait_timeout)). A volume
        with snapshots does not move. A root volume has the default type.
    type: str
  image:
    description:
      - Name of an image that the new volume is a copy of. It is copied once, and nothing depends on
        it afterwards. A volume that exists keeps what it was created with.
    type: str
  source_volume:
    description:
      - Name of a volume that the new volume is a copy of, as it is now; also a root volume. No
        server that has it may run, but in an OpenStack, which can copy a volume in use.
    type: str
  snapshot:
    description:
      - Name of a snapshot of a volume (M(hanok.cloud.volume_snapshot)) that the new volume is a
        copy of, with the name of the volume and a slash in front, as in V(data/monday). The volume
        may be in use.
    type: str
  backup:
    description:
      - Name of a backup of a server (M(hanok.cloud.backup)), a slash, and the name that a volume in
        it had then, as in V(store-all/data), that the new volume is a copy of.
    type: str
  server:
    description:
      - Name of the server to attach it to. With O(state=detached), detach it only from this server.
    type: str
  servers:
    description:
      - Names of all servers that are to have it, instead of O(server); it is detached from others.
        Several need O(read_only=true), because servers that all write to one disk destroy the file
        system on it. With O(state=detached), detach it only from these servers.
    type: list
    elements: str
  read_only:
    description:
      - Whether the servers that the volume is attached to may only read it. With V(true), no server
        writes to it, and no guest can get around that. By default, a volume stays attached as it
        is, and one that is attached anew is writable.
      - If it changes, the volume is detached from all servers first, and then attached in the other
        way; O(force) tells what happens if it is mounted in a guest.
      - Only virtual machines get a volume in this way, and none with its disks on the bus V(sata).
        As long as it is attached so, its O(size) and its O(volume_type) do not change, and no
        snapshots of it are made or restored. Snapshots and backups of a server are without it.
      - Mount it in the guests with the option V(ro), and one with a journal that was not unmounted
        with V(noload) (ext4) or V(norecovery) (xfs) as well.
      - Only on the local cloud.
    type: bool
  force:
    description: Whether to detach the volume even if it is mounted in the guest. Data may be lost.
    type: bool
    default: false
  file_system:
    description:
      - File system that the new volume has, for containers; without it, the volume is a disk for
        virtual machines. It is created empty, and always fills the volume.
      - Containers have no other volumes, and virtual machines none of these, because the host
        mounts nothing that a guest has written as a disk. What belongs to a user of a container
        belongs to the same user of another one that gets the volume.
      - There are no snapshots and copies of such a volume, and backups are without it. Its
        O(volume_type) does not change.
      - Only on the local cloud.
    type: str
    choices: [ext4]
  mount_point:
    description:
      - Directory at which a container has the volume, with O(state=attached). It is created. By
        default V(/mnt/) and the name of the volume. A volume that is attached keeps its mount point
        until it is detached.
    type: str
  allow_restart:
    description:
      - Whether a container that runs may be restarted to attach or detach the volume. Without it,
        that is refused while the container runs. Volumes of virtual machines need no restart.
    type: bool
    default: false
  grow:
    description:
      - Whether the partition and the file system in the guest are to fill the volume, also after it
        was extended. They are grown while they are mounted, and nothing is if they fill it already.
      - The volume must be attached to a server that runs, with a guest agent that may run programs.
        Grown are ext2, ext3, ext4, xfs and btrfs, on the last partition or on the volume itself, by
        the programs of the guest (C(growpart) or C(sfdisk), and C(resize2fs), C(xfs_growfs) or
        C(btrfs)). Anything else is refused; a blank volume has nothing to grow.
      - A partition in an MBR ends at 2048 GB, and what is larger is refused.
      - An OpenStack does not see into guests, and refuses it.
    type: bool
    default: false
  delete_protection:
    description:
      - Whether the volume is protected from deletion. V(false) also lifts the protection in the
        task that deletes the volume. A root volume is protected with its server.
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
- name: Create a volume
  hanok.cloud.volume:
    name: data
    size: 10
    labels:
      content: photos

- name: Create a volume on a disk of the type ssd (host_volume_types)
  hanok.cloud.volume:
    name: fast
    size: 10
    volume_type: ssd

- name: Create a volume with the content of an image
  hanok.cloud.volume:
    name: seed
    image: tiny

- name: Create a copy of a volume that no running server has
  hanok.cloud.volume:
    name: data-copy
    source_volume: data
    size: 15

- name: Create a volume with the content of a snapshot
  hanok.cloud.volume:
    name: photos-monday
    snapshot: photos/monday

- name: Attach it to a running server
  hanok.cloud.volume:
    name: data
    server: web-1
    state: attached
  register: data

- name: Show its device in the guest
  ansible.builtin.debug:
    var: data.volume.device

- name: Extend it while it is in use
  hanok.cloud.volume:
    name: data
    size: 20

- name: Extend it, and the partition and the mounted file system that are on it
  hanok.cloud.volume:
    name: data
    size: 30
    grow: true

- name: Move it to a disk of the type ssd while it is in use
  hanok.cloud.volume:
    name: data
    volume_type: ssd
    wait_timeout: 3600

- name: Move it to another server; the guest must have unmounted it
  hanok.cloud.volume:
    name: data
    server: web-2
    state: attached

- name: Let two servers read it, and none write to it
  hanok.cloud.volume:
    name: data
    servers: [web-1, web-2]
    read_only: true
    state: attached

- name: Detach it and keep its data
  hanok.cloud.volume:
    name: data
    state: detached

- name: Create a volume for containers
  hanok.cloud.volume:
    name: files
    size: 10
    file_system: ext4

- name: Protect it from deletion
  hanok.cloud.volume:
    name: data
    delete_protection: true

- name: Delete it, which needs the protection lifted
  hanok.cloud.volume:
    name: data
    state: absent
    delete_protection: false

- name: Extend the root volume of a server, like volume_size of hanok.cloud.server
  hanok.cloud.volume:
    name: web-1/root
    size: 40
"""

RETURN = r"""
volume:
  description: The volume; null if it does not exist.
  returned: success
  type: dict
  contains:
    id:
      description: UUID of the volume.
      type: str
    name:
      description: Name of the volume.
      type: str
    size:
      description: Size of the volume in GB.
      type: int
    volume_type:
      description: Type of the volume.
      type: str
    limits:
      description:
        - What the type limits each of its volumes to, by option of C(host_volume_types) of the role
          P(hanok.cloud.host#role), such as C(disk_iops). Empty if there are no limits, and in an
          OpenStack, which tells only its operators.
      type: dict
    source:
      description:
        - What the volume is a copy of, as C(image:NAME), C(source_volume:NAME),
          C(snapshot:VOLUME/NAME) or C(backup:BACKUP/VOLUME), with its name at that time; null
          if it was blank, or not created by this collection.
      type: str
    server:
      description:
        - Name of the server that the volume is attached to; null if there is none, or if there are
          several.
      type: str
    servers:
      description: Names of all servers that the volume is attached to.
      type: list
      elements: str
    read_only:
      description: Whether the servers that have the volume may only read it.
      type: bool
    status:
      description:
        - V(available), V(in-use), V(error) (its disk cannot be found on the host, or a change was
          not completed), or the change in progress.
      type: str
    status_reason:
      description: What is wrong with its disk; null if nothing is.
      type: str
    task_state:
      description:
        - What another run is doing with the volume; null if no run is working on it.
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
          if there is nothing. The next task for the volume completes it.
      type: str
    filled:
      description: Whether the partition and the file system in the guest fill the volume.
      returned: if a task grows them (O(grow)), in its diff
      type: bool
    bootable:
      description: Whether it is the root volume of its server.
      type: bool
    snapshots:
      description: Names of its own snapshots. It cannot be deleted while there are any.
      type: list
      elements: str
    server_snapshots:
      description:
        - Snapshots of its server that it is part of, each with the name of the server and a slash
          in front. It cannot be detached while there are any.
      type: list
      elements: str
    serial:
      description: Serial number of the disk in the guest.
      type: str
    device:
      description:
        - Path of the device in a guest with udev; null for a volume for containers, and for one
          that servers read who have their disks on different buses.
      type: str
    file_system:
      description: File system of a volume for containers; null for a disk.
      type: str
    mount_point:
      description: Directory at which a container has the volume; null if none has it.
      type: str
    description:
      description: Description of the volume.
      type: str
    labels:
      description: Labels of the volume.
      type: dict
    delete_protection:
      description: Whether the volume is protected from deletion.
      type: bool
    project:
      description: Project of the volume.
      type: str
    created_by:
      description: User who created the volume.
      type: str
    created_at:
      description: Creation time of the volume (UTC).
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

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.volume import main

if __name__ == '__main__':
    main()
