# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""`make machine` prepares its virtual machine, and not the machine that it is run on."""

from __future__ import annotations

import re

from ansible_collections.hanok.cloud.tests.machine.test_machine import NAME, play


def test_role_is_for_the_virtual_machine() -> None:
    """The role host is for the virtual machine only; nothing is connected to here."""
    hosts = re.findall(r'^ {6}(\S+)$', play('--list-hosts'), re.MULTILINE)
    assert hosts == [NAME]
