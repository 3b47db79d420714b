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
  - Registers a public SSH key under a name, so that servers can be made with it.
  - The public key is given, read from a file, or made here; then the private key is written once to O(private_key_file)
    on the machine where the module runs, and nowhere else.
  - A key pair never changes. Another key under the same name is refused.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.attributes
options:
  name:
    description: The name of the key pair. Letters, digits, hyphen, underscore and dot.
    type: str
    required: true
  state:
    description: Whether the key pair is to be there. V(absent) leaves private key files alone.
    type: str
    choices: [present, absent]
    default: present
  public_key:
    description: A public key in the one-line form of OpenSSH. Its comment is not compared.
    type: str
  public_key_file:
    description: A file with the public key, on the machine where the module runs.
    type: path
  private_key_file:
    description:
      - Have the key pair made, and its private key written to this file with mode 0600. Its folder must exist.
        The file belongs to the owner of the folder.
      - A private key that is in the file already is used, and never overwritten.
      - When the key pair exists and the file does not, the task fails, because a private key is given only once.
    type: path
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
- name: A key pair that is made here; its private key is written to a file of this host, once
  hanok.cloud.keypair:
    name: web
    private_key_file: ~/web.pem

- name: A public key that I have
  hanok.cloud.keypair:
    name: laptop
    public_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPIiYP0nBFNbnWEqM8sxUqWbLxTCdmcEVTEmWDGGL7ln me@laptop

- name: A public key in a file of this host
  hanok.cloud.keypair:
    name: me
    public_key_file: ~/.ssh/id_ed25519.pub

- name: A public key in a file of the machine on which Ansible runs
  hanok.cloud.keypair:
    name: operator
    public_key: "{{ lookup('ansible.builtin.file', '~/.ssh/id_ed25519.pub') }}"

- name: Remove a key pair; the servers made with it still let its key in
  hanok.cloud.keypair:
    name: laptop
    state: absent
"""

RETURN = r"""
keypair:
  description: The key pair; null when it is absent.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
    public_key:
      description: The public key.
      type: str
    fingerprint:
      description: The fingerprint, as C(ssh-keygen -l) shows it.
      type: str
    used_by:
      description: Names of the servers made with it.
      type: list
      elements: str
    description:
      description: Its description.
      type: str
    labels:
      description: Its labels.
      type: dict
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

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.keypair import main

if __name__ == '__main__':
    main()
