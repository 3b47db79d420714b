# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers that are containers: what they have, and what they lack of virtual machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Mapping

from .._model.change import Draft
from .._model.container import COMMON, growth_refusal, lacked_options, options_of_containers
from .._model.status import Status

if TYPE_CHECKING:
    from .._model.flavor import Flavor
    from .._model.server import Server
    from .server_observations import ObservedServers


def settle_container(
    name: str,
    requested: Mapping[str, Any],
    options: Dict[str, Any],
    flavor: Flavor | None,
    draft: Draft,
) -> None:
    """Set what all containers have among the options; refuse what none has.

    ``requested``: the options of the task. ``flavor``: another one that the server gets.
    """
    for option, text in lacked_options(requested):
        draft.refuse(option, text, name=name)
    if flavor:
        check_limits(name, flavor, draft)
    for nic in options.get('networks', ()):
        if nic.vlan:
            draft.refuse(
                'networks',
                f'networks: vlan: {nic.vlan}: an interface of a container has none; '
                'use a bridge of the VLAN, and omit it',
                name=name,
            )
    if 'volume_size' not in requested:  # flavors say how large disks are, and it has none
        options.pop('volume_size', None)
    options.update(COMMON)


def check_growth(
    server: Server, options: Mapping[str, Any], observed: ObservedServers, draft: Draft
) -> None:
    """Refuse to extend the files of a container that runs, if the host may not do that."""
    is_larger = options.get('volume_size', 0) > server.volume_size > 0
    runs = server.settled_status in (Status.ACTIVE, Status.PAUSED)
    if is_larger and runs and not observed.grows_mounted:
        text = f'volume_size: {growth_refusal(server.name)}'
        draft.refuse('volume_size', text, name=server.name)


def check_not_of_container(name: str, options: Mapping[str, Any], draft: Draft) -> None:
    """Refuse for a virtual machine what only containers have."""
    for option, text in options_of_containers(options):
        draft.refuse(option, text, name=name)


def check_application(server: Server, wait_for: str, draft: Draft) -> None:
    """Refuse what only an init does for a container that runs the application of its image."""
    secrets = ('user_data', 'init_script', 'root_password')
    values = {option: getattr(server, option) for option in secrets}
    values['key_names'] = ', '.join(server.key_names)
    for option, value in values.items():
        if value:
            draft.refuse(
                option,
                f'{option}: server {server.name} runs the application of its image '
                f'{server.image}, and no cloud-init or sshd; omit it, or use the image of a system',
                name=server.name,
            )
    if wait_for in ('ssh', 'init'):
        draft.refuse(
            'wait_for',
            f'wait_for: {wait_for}: server {server.name} runs the application of its image '
            f'{server.image}, and no cloud-init or sshd; wait for ip',
            name=server.name,
        )


def check_limits(name: str, flavor: Flavor, draft: Draft) -> None:
    """Refuse a flavor that limits what this host does not limit for containers."""
    if flavor.limits:
        draft.refuse(
            'flavor',
            f'flavor {flavor.name} limits disks or networks ({", ".join(sorted(flavor.limits))}), '
            'which this host does not do for containers; use another flavor',
            name=name,
        )
