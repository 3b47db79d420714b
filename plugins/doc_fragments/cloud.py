# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options that every module shares."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of every module."""

    DOCUMENTATION = r"""
options:
  cloud:
    description:
      - Which cloud. V(local) is the host on which the module runs; the play then needs C(become).
      - Taken from E(HANOK_CLOUD), in the environment in which the module runs, when left out.
    type: str
    default: local
  actor:
    description: Who asks; it is recorded with what is made. The user who called C(sudo), else the user, when left out.
    type: str
  wait_timeout:
    description: How long to wait, in seconds, for what another run holds, then for what guests are asked to do, and for what a server is to reach.
    type: int
    default: 300
requirements:
  - on the host of the cloud V(local), what the role P(hanok.cloud.host#role) installs
"""
