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
  - An image is a disk that servers are made from, by a path, by a URL with its checksum, or from a stopped server.
  - It is compared by what it was made of, whatever the file is called; an image is not remade.
  - The file is first copied, and then looked at, checked and converted, by a program that has no right to anything else.
  - A file that refers to another file (a backing file, extents, a parent), one that is compressed, and one that is no disk are refused.
  - All of that has to be done within O(wait_timeout) seconds; a disk has at most 5,120 GB.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.attributes
options:
  name:
    description: The name of the image. Letters, digits, hyphen, underscore and dot.
    type: str
    required: true
  state:
    description: Whether it is to be there.
    type: str
    choices: [present, absent]
    default: present
  path:
    description: A disk image on this host (qcow2, raw, vmdk, vpc, vdi or vhdx).
    type: path
  url:
    description:
      - A disk image at an http or https address. O(checksum) is then needed.
      - What comes after a question mark is used, and not recorded, shown or compared, because it is often a signature or a token.
    type: str
  server:
    description: The name of a stopped server, whose root disk is copied.
    type: str
  checksum:
    description:
      - C(sha256:) or C(sha512:) and the digits of what is delivered, or the address of a file of checksums that has a line for the file,
        such as C(sha256:https://images.example.com/SHA256SUMS).
    type: str
  hide_url:
    description:
      - Whether to record, show and compare of O(url) its host and a hash only, because its path holds a token.
    type: bool
    default: false
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
- name: An image from a file of this host, such as one that the role hanok.cloud.image_builder has built
  hanok.cloud.image:
    name: small
    path: "{{ image_builder_path }}"

- name: An image from the web
  hanok.cloud.image:
    name: company
    url: http://images.example.com/company.qcow2
    checksum: "sha256:{{ company_checksum }}"
    description: What all servers of the company are made from
    labels:
      release: "12"

- name: Stop a server, to make an image of it
  hanok.cloud.server:
    name: golden
    state: stopped

- name: An image of that server
  hanok.cloud.image:
    name: golden
    server: golden

- name: Remove an image
  hanok.cloud.image:
    name: golden
    state: absent
"""

RETURN = r"""
image:
  description: The image; null when it is absent.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
    source:
      description: Where it came from.
      type: str
    checksum:
      description: The checksum that was said.
      type: str
    description:
      description: Its description.
      type: str
    labels:
      description: Its labels.
      type: dict
    size:
      description: The size of the disk in it (bytes).
      type: int
    min_disk:
      description: The least root volume (GB).
      type: int
    used_by:
      description: Names of the servers that stand on it.
      type: list
      elements: str
    status:
      description: V(available), V(error) (its disk is gone from the host), or what is being done with it.
      type: str
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

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.image import main

if __name__ == '__main__':
    main()
