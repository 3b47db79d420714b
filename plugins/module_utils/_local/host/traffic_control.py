# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the kernel can limit the bandwidth of interfaces in the way that libvirt requests it."""

from __future__ import annotations

from subprocess import TimeoutExpired

from ..._cloud.programs import run

# What libvirt does (virNetDevBandwidthSet), in a network namespace that ends with it.
_TRIAL = """
tc qdisc add dev lo root handle 1: htb default 1
tc class add dev lo parent 1: classid 1:1 htb rate 125kbps
tc qdisc add dev lo parent 1:1 handle 2: sfq perturb 10
tc filter add dev lo parent 1:0 protocol all prio 1 handle 1 fw flowid 1
tc qdisc add dev lo ingress
tc filter add dev lo parent ffff: protocol all u32 match u32 0 0 \
  police rate 125kbps burst 125kb mtu 64kb drop flowid :1
"""


def problem() -> str:
    """Return why it cannot; empty if it can."""
    try:
        tried = run(['unshare', '--net', 'sh', '-ec', _TRIAL], timeout=60)
    except (OSError, TimeoutExpired) as error:
        return str(error)
    return ' '.join(tried.stderr.split()) if tried.returncode else ''
