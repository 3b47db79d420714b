#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Manage images."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image
short_description: Manage images
version_added: 0.1.0
description:
  - An image is a disk that servers are created from. Its source is a file, a URL with a checksum,
    a server, a volume, a snapshot of one, or a backup. An ISO image is a CD that servers
    can read.
  - It is compared by the content of its source, whatever the name of the file is. The content of an
    image cannot be changed.
  - The file is copied first. The copy is inspected, verified and converted by a process without any
    other permissions.
  - Files that refer to other files (a backing file, extents, a parent), compressed files, and files
    that are no disk images are refused.
  - All of that must finish within O(wait_timeout) seconds. A disk has at most 5,120 GB.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.attributes
options:
  name:
    description: Name of the image. Letters, digits, hyphens, underscores and dots.
    type: str
    required: true
  state:
    description: Desired state of the image.
    type: str
    choices: [present, absent]
    default: present
  path:
    description:
      - Path of a disk image on this host (qcow2, raw, vmdk, vpc, vdi or vhdx), or of an ISO image.
      - If a manifest is beside it, as O(export_path) writes one, a new image has its format, user,
        description and labels where the task does not set them, and the file must have the checksum
        in it.
    type: path
  url:
    description:
      - HTTP or HTTPS URL of a disk image. Requires O(checksum).
      - "Or an image in a registry of OCI images, C(docker://REGISTRY/NAME:TAG) or
        C(docker://REGISTRY/NAME@DIGEST), for O(disk_format=oci). The registry is always named. It
        is reached as C(registries.conf) of the host says, with the credentials of root
        (C(skopeo login)) and through the proxies in the environment of the task. Of an image for
        several platforms, that for the host is fetched."
      - The query of the URL is used, but not recorded, shown or compared, because it is often a
        signature or a token.
    type: str
  server:
    description:
      - Name of a server whose root disk is copied, also while it runs. The image has what the disk
        held at one instant, for which the file systems of the guest are frozen if its agent answers
        within seconds. What programs have not written yet is not in it, as after a power failure.
      - To have its volumes of the same instant, too, back it up with
        O(hanok.cloud.backup#module:include_volumes); O(backup) is its root disk then, and
        O(hanok.cloud.volume#module:backup) makes new volumes of the others.
      - Of a container, which must be off, the files are copied, without those in C(/dev), C(/proc),
        C(/sys), C(/run) and C(/tmp), its first-boot content, and extended attributes;
        O(disk_format) is V(root-tar) then, or V(oci) if it runs an application.
    type: str
  volume:
    description:
      - Name of a volume (M(hanok.cloud.volume)) whose disk is copied, also of a root volume
        (V(SERVER/root)). It is detached, or its server is stopped; in an OpenStack it is detached.
    type: str
  snapshot:
    description:
      - Name of a volume snapshot (M(hanok.cloud.volume_snapshot)) whose disk is copied, also while
        a server has its volume. For another host, write the image to O(export_path). Not for an
        OpenStack.
    type: str
  backup:
    description:
      - Name of a backup (M(hanok.cloud.backup)) whose disk, or files, are copied, after its
        checksum was compared. Servers of the image are new ones, with any options, that have the
        data of then. Not for an OpenStack.
    type: str
  checksum:
    description:
      - C(sha256:) or C(sha512:) followed by the digest of the file that is downloaded or copied, or
        by the URL of a checksum file with a line for that file, such as
        C(sha256:https://images.example.com/SHA256SUMS).
      - Of an image in a registry, it is the digest that the registry has for it. It is not
        required, and is fetched instead of the tag, which the registry may move to another image.
    type: str
  disk_format:
    description:
      - What the image is. Defaults to V(qcow2) for a new image, a disk, whatever the format of its
        source is, and to that of its image if O(server) is a container.
      - V(iso) is a CD-ROM for O(hanok.cloud.server#module:hardware.cdroms), which is kept as it is.
        Its source must be an ISO image (ISO 9660 or UDF). Not for an OpenStack.
      - V(root-tar) is a root file system with C(/sbin/init) and C(/bin/sh), for containers
        (O(hanok.cloud.server#module:type)). Its source must be one, or a tar archive, which gzip,
        xz or zstd may have compressed. Not for an OpenStack.
      - V(oci) is an OCI or Docker image, for containers that run its application. Its source must
        be in a registry (O(url)), or an archive with one image, as C(skopeo copy)
        (C(oci-archive:)) and C(docker save) write it, which gzip, xz or zstd may have compressed.
        Its layers are unpacked once, with their owners. Not for an OpenStack.
    type: str
    choices: [qcow2, iso, root-tar, oci]
  export_path:
    description:
      - Path of a file on this host that the image is written to, for other hosts, with a manifest
        beside it (the path and C(.manifest.json)), which has its name, ID, format, size, minimum
        disk, user, description and labels, and the checksum of the file. Copy both, and create an
        image there with O(path).
      - The file of a disk is qcow2 and depends on no other file. Only root can read it.
      - It is written again if the image, what the manifest has of it, or the file has changed. The
        file is read for that in each task. Another file there is not replaced. It stays when the
        image is deleted.
      - Not for V(oci) images, and not for an OpenStack.
    type: path
  os_admin_user:
    description:
      - Name of the user who logs in to the servers of the image, such as V(debian). It is returned
        with the image and with its servers, and is C(ansible_user) in the inventory
        P(hanok.cloud.servers#inventory). It creates no user.
      - In an OpenStack it is the property of that name of the image.
    type: str
  visibility:
    description:
      - Which projects see the image and create servers from it, in the words of OpenStack. Defaults
        to V(private) for a new image, its own project; V(shared), those in O(shared_with), too;
        V(public), all projects of the host.
      - Only its own project changes or deletes it. An image of the project goes before one of the
        same name that others share.
      - An ISO image stays private. Not for an OpenStack, whose client shares images.
    type: str
    choices: [private, shared, public]
  shared_with:
    description:
      - Names of other projects that see the image. If set, they replace all of them, and
        O(visibility) is V(shared). A project whose servers have the image stays among them.
      - Not for an OpenStack.
    type: list
    elements: str
  hide_url:
    description:
      - Whether to record, show and compare only the host and a hash of O(url), because its path
        holds a token.
    type: bool
    default: false
  delete_protection:
    description:
      - Whether the image is protected from deletion. V(false) also lifts the protection in the
        task that deletes the image. In an OpenStack, Glance protects it from everybody.
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
- name: Create an image from a file, such as one built by the role hanok.cloud.image_builder
  hanok.cloud.image:
    name: small
    path: "{{ image_builder_path }}"

- name: Create an image from a URL
  hanok.cloud.image:
    name: company
    url: http://images.example.com/company.qcow2
    checksum: "sha256:{{ company_checksum }}"
    description: What all servers of the company are made from
    os_admin_user: debian
    labels:
      release: "12"

- name: Share it with another project
  hanok.cloud.image:
    name: company
    shared_with: [blue]

- name: Stop a server to create an image from it
  hanok.cloud.server:
    name: golden
    state: stopped

- name: Create an image from that server
  hanok.cloud.image:
    name: golden
    server: golden

- name: Create an image from a volume that no running server has
  hanok.cloud.image:
    name: photos
    volume: photos

- name: Create an image from a snapshot of a volume, and write it to a file for another host
  hanok.cloud.image:
    name: photos-monday
    snapshot: photos/monday
    export_path: ~/photos-monday.qcow2

- name: Create an image from a backup, for a new server with the data of then
  hanok.cloud.image:
    name: store-sunday
    backup: store-sunday

- name: Create an image of a CD for servers (hardware.cdroms)
  hanok.cloud.image:
    name: drivers
    url: http://images.example.com/drivers.iso
    checksum: sha256:http://images.example.com/SHA256SUMS
    disk_format: iso

# not run by the tests: nothing serves an OCI image; test_oci_images.py does this with real ones
- name: Create an image from the archive of an OCI image, which docker save or skopeo wrote
  hanok.cloud.image:
    name: web
    url: http://images.example.com/web.tar
    checksum: sha256:http://images.example.com/SHA256SUMS
    disk_format: oci

- name: Write an image to a file, for another host
  hanok.cloud.image:
    name: golden
    export_path: ~/golden.qcow2

- name: Create an image there; the manifest beside the file is verified
  hanok.cloud.image:
    name: golden-copy
    path: ~/golden.qcow2

- name: Delete an image
  hanok.cloud.image:
    name: golden
    state: absent
"""

RETURN = r"""
image:
  description: The image; null if it does not exist.
  returned: success
  type: dict
  contains:
    id:
      description: UUID of the image.
      type: str
    name:
      description: Name of the image.
      type: str
    source:
      description: Source of the image.
      type: str
    checksum:
      description: Checksum that was set for the image.
      type: str
    description:
      description: Description of the image.
      type: str
    labels:
      description: Labels of the image.
      type: dict
    delete_protection:
      description: Whether the image is protected from deletion.
      type: bool
    disk_format:
      description:
        - V(iso) for a CD-ROM; V(root-tar) and V(oci) for a root file system of containers;
          V(qcow2) for a disk, in whatever format the cloud keeps it.
      type: str
    application:
      description:
        - What containers of an OCI image run, without the values of its environment; null if that
          is an init, and for other images.
      type: dict
      contains:
        command:
          description: Path of the program, and its arguments.
          type: list
          elements: str
        working_dir:
          description: Folder that it is started in.
          type: str
        user:
          description: UID in the container.
          type: int
        group:
          description: GID in the container.
          type: int
        stop_signal:
          description: Number of the signal that ends it.
          type: int
    os_admin_user:
      description: Name of the user who logs in to its servers.
      type: str
    visibility:
      description:
        - V(private), V(shared) or V(public); in an OpenStack also V(community).
      type: str
    shared_with:
      description: Names of the projects that it is shared with.
      type: list
      elements: str
    owner:
      description: Name of the project that shares it; empty for an image of the project itself.
      type: str
    size:
      description: Size of the virtual disk in bytes.
      type: int
    min_disk:
      description: Minimum size of a root volume in GB.
      type: int
    used_by:
      description:
        - Names of the servers whose root disks are based on the image, or that have it in a CD
          drive. Those of other projects are written C(PROJECT/NAME), and shown to its own project
          only.
      type: list
      elements: str
    status:
      description:
        - V(available), V(error) (its disk no longer exists on the host, or its creation was not
          completed), or the change in progress.
      type: str
    task_state:
      description:
        - What another run is doing with the image; null if no run is working on it.
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
          if there is nothing. The next task for the image completes it.
      type: str
    project:
      description: Project of the image.
      type: str
    created_by:
      description: User who created the image.
      type: str
    created_at:
      description: Creation time of the image (UTC).
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

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.image import main

if __name__ == '__main__':
    main()
