#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Get information about images."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_info
short_description: Get information about images
version_added: 0.1.0
description:
  - List all images, or those with a name or labels.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.filters
  - hanok.cloud.attributes.info
options:
  name:
    description: Name of the image.
    type: str
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: Get the images of a project
  hanok.cloud.image_info:
    labels:
      project: shop
  register: images

- name: Get the names of the servers that use an image
  hanok.cloud.image_info:
    name: tiny
    query: "[0].used_by"
  register: servers_of_it
"""

RETURN = r"""
images:
  description: The images, or the result of O(query).
  returned: success
  type: list
  elements: dict
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
    size:
      description: Size of the virtual disk in bytes.
      type: int
    min_disk:
      description: Minimum size of a root volume in GB.
      type: int
    used_by:
      description: Names of the servers whose root disks are based on the image.
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

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.info import main

if __name__ == '__main__':
    main('image')
