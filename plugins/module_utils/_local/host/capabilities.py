# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What this process may do: root of a host that is itself a container may not do all."""

from __future__ import annotations

_CAPABILITY = 24  # CAP_SYS_RESOURCE: capabilities(7)


def grows_mounted() -> bool:
    """Whether this process may extend a file system that is mounted."""
    with open('/proc/self/status', encoding='ascii', errors='replace') as file:
        found = next(line for line in file if line.startswith('CapEff:'))
    return bool(int(found.split()[1], 16) >> _CAPABILITY & 1)
