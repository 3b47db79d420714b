#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Manage key pairs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: keypair
short_description: Manage key pairs
version_added: 0.1.0
description:
  - A key pair is a public SSH key that servers can be created with.
  - The public key is set, read from a file, or generated. If it is generated, the private key is
    written once, to O(private_key_file) on the machine where the module runs, and nowhere else.
  - The key of a key pair cannot be changed. Another key under the same name is refused.
  - A key pair belongs to who created it, the O(actor) of the task. Everybody in the project may use
    it for servers, only its owner may change or delete it.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.attributes
options:
  name:
    description: Name of the key pair. Letters, digits, hyphens, underscores and dots.
    type: str
    required: true
  state:
    description: Desired state of the key pair. V(absent) does not delete private key files.
    type: str
    choices: [present, absent]
    default: present
  public_key:
    description: Public key in the one-line format of OpenSSH. Its comment is not compared.
    type: str
  public_key_file:
    description: Path of a file with the public key, on the machine where the module runs.
    type: path
  private_key_file:
    description:
      - Path of the private key file. If it does not exist, a key is generated and written to it
        with mode 0600. Its folder must exist. The file belongs to the owner of the folder.
      - An existing private key file is used and never overwritten.
      - If the key pair exists and the file does not, the task fails, because the private key is not
        stored anywhere else.
    type: path
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
- name: Generate a key pair and write its private key to a file of this host
  hanok.cloud.keypair:
    name: web
    private_key_file: ~/web.pem

- name: Create a key pair from a public key
  hanok.cloud.keypair:
    name: laptop
    public_key: >-
      ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPIiYP0nBFNbnWEqM8sxUqWbLxTCdmcEVTEmWDGGL7ln
      me@laptop

- name: Create a key pair from a public key file of this host
  hanok.cloud.keypair:
    name: me
    public_key_file: ~/.ssh/id_ed25519.pub

- name: Create a key pair from a public key file of the controller
  hanok.cloud.keypair:
    name: operator
    public_key: "{{ lookup('ansible.builtin.file', '~/.ssh/id_ed25519.pub') }}"

- name: Delete a key pair; existing servers still accept its key
  hanok.cloud.keypair:
    name: laptop
    state: absent
"""

RETURN = r"""
keypair:
  description: The key pair; null if it does not exist.
  returned: success
  type: dict
  contains:
    id:
      description: UUID of the key pair.
      type: str
    name:
      description: Name of the key pair.
      type: str
    public_key:
      description: Public key in the one-line format of OpenSSH.
      type: str
    fingerprint:
      description: Fingerprint of the public key, as C(ssh-keygen -l) shows it.
      type: str
    used_by:
      description: Names of the servers that use the key pair.
      type: list
      elements: str
    description:
      description: Description of the key pair.
      type: str
    labels:
      description: Labels of the key pair.
      type: dict
    project:
      description: Project of the key pair.
      type: str
    created_by:
      description: User who created the key pair.
      type: str
    created_at:
      description: Creation time of the key pair (UTC).
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

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.keypair import main

if __name__ == '__main__':
    main()
