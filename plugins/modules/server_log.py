#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Get the console log of a server."""

from __future__ import annotations

DOCUMENTATION = r"""
module: server_log
short_description: Get the console log of a server
version_added: 0.1.0
description:
  - Return the newest lines that the firmware, the kernel and the programs of a server have printed
    on its serial console, whether it runs or not. The console of a container is its
    C(/dev/console).
  - The log of the local cloud goes over all starts of the server, and is deleted with it. Each
    start by a task begins with a line C(-- hanok.cloud starts the server, 2026-01-31T09:00:00Z --).
    A line in which the guest imitates that begins with C(guest:).
  - The host keeps the last 6 to 8 MiB of each server, unless C(/etc/libvirt/virtlogd.conf) says
    otherwise for virtual machines. Nova returns what the hypervisor keeps, 100 KiB in most clouds.
  - What is returned is text that is harmless on a terminal, and can still say anything. Sequences
    of terminals (colours, for example) are removed, and control characters and bytes that are not
    UTF-8 are replaced by U+FFFD.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.attributes.info
options:
  name:
    description: Name of the server.
    type: str
    required: true
  lines:
    description:
      - Return at most this many lines, the newest ones (1 to 10,000).
      - Of lines that are longer than 1,024 bytes on average, fewer are returned.
    type: int
    default: 100
seealso:
  - module: hanok.cloud.server_info
    description: With O(hanok.cloud.server_info#module:init), the output of the first boot.
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: Get the console log of a server
  hanok.cloud.server_log:
    name: web-1
    lines: 200
  register: console

- name: Show it
  ansible.builtin.debug:
    var: console.log_lines

- name: Wait until a server without a network has printed something
  hanok.cloud.server_log:
    name: web-1
  register: console
  until: "'Cloud-init v.' in console.log"
  retries: 30
  delay: 2
"""

RETURN = r"""
log:
  description: The lines, the newest last, as one text. Empty if the server has never been started.
  returned: success
  type: str
  sample: "[    0.000000] Linux version 6.1.0\nDebian GNU/Linux 12 web ttyS0\nweb login: "
log_lines:
  description: The lines as a list. Of a line, the first 1,000 characters are returned.
  returned: success
  type: list
  elements: str
truncated:
  description: Whether the log has more lines before these, or one of these has more characters.
  returned: success
  type: bool
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

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.server_log import main

if __name__ == '__main__':
    main()
