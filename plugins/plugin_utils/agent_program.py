# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run on a hypervisor by python -c: asks the guest agent of the server whose id is the argument.

A request is a line of JSON: the seconds that the agent has, and the text of its command. So is an
answer: the text that the agent has sent, or an error of libvirt with its number. The first answer
comes without a request.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Dict


def main() -> None:
    """Answer until the input ends."""
    try:
        import libvirt
        import libvirt_qemu
    except ImportError as error:
        _say({'error': str(error), 'code': 0})
        return
    libvirt.registerErrorHandler(lambda *_error: None, None)
    errors = (libvirt.libvirtError, SystemError, ValueError)  # the last two: text that is not UTF-8
    try:
        domain = libvirt.open('qemu:///system').lookupByUUIDString(sys.argv[1])
    except errors as error:
        _say(_error(error))
        return
    _say({'answer': ''})
    for line in sys.stdin:
        seconds, command = json.loads(line)
        try:
            # for the guest-sync that libvirt itself sends first
            domain.agentSetResponseTimeout(seconds, 0)
            _say({'answer': libvirt_qemu.qemuAgentCommand(domain, command, seconds, 0)})
        except errors as error:
            _say(_error(error))


def _error(error: Exception) -> Dict[str, Any]:
    import libvirt

    number = getattr(error, 'get_error_code', int)() or 0
    if number == getattr(libvirt, 'VIR_ERR_AGENT_COMMAND_TIMEOUT', None):
        number = libvirt.VIR_ERR_AGENT_UNRESPONSIVE  # what older ones say
    return {'error': str(error), 'code': number}


def _say(answer: Dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == '__main__':
    main()
