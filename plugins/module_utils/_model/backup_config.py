# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a server was when it was backed up, for whoever makes it anew.

First-boot content is no part of it: it is secret.
"""

from __future__ import annotations

from typing import Any, Dict

from .server import Server

_CONFIG = (
    'type',
    'flavor',
    'vcpus',
    'memory',
    'max_vcpus',
    'max_memory',
    'image',
    'key_names',
    'init_script',
    'security_groups',
    'networks',
    'floating_ip',
    'volumes',
    'guest_agent',
    'on_crash',
    'hardware',
    'dns_servers',
    'dns_domain',
    'description',
    'labels',
)


def config_of(server: Server) -> Dict[str, Any]:
    """What a server is, for the manifest of a backup."""
    public = server.public()
    return {option: public[option] for option in _CONFIG}
