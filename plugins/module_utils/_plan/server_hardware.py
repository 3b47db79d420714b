# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The hardware that servers will have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Sequence

from .._model.change import Draft
from .._model.hardware import DEFAULT, Hardware
from .._model.hardware_checks import choice_problems, secure_boot_problem, topology_problem
from .checks import check_image_disk

if TYPE_CHECKING:
    from .._model.server import Server
    from .server_observations import ObservedServers


def settle_hardware(
    name: str,
    options: Dict[str, Any],
    current: Hardware,
    vcpus: int,
    observed: ObservedServers,
    draft: Draft,
) -> None:
    """Set the hardware among the options; refuse what the host or the vCPUs do not permit.

    ``current``: what it is now; ``vcpus``: what they will be, 0 if that is not known.
    """
    requested: Hardware = options.get('hardware', DEFAULT)
    for text in choice_problems(requested, observed.hardware_choices):
        draft.refuse('hardware', f'hardware: {text}')
    hardware = current.overlaid(requested)
    problem = secure_boot_problem(hardware)
    if problem:
        draft.refuse('hardware', f'hardware: server {name}: {problem}', name=name)
    is_possible = check_topology(name, hardware, vcpus, draft)
    options['hardware'] = hardware.settled(vcpus) if vcpus and is_possible else hardware


def check_cdroms(names: Sequence[str], observed: ObservedServers, draft: Draft) -> None:
    """Refuse discs that are no ISO images, do not exist, or are not complete."""
    for name in names:
        exists = draft.require('image', name, observed.images, 'hardware')
        image = draft.settled('image', observed.images[name]) if exists else None
        if image is None:
            continue
        check_image_disk(image, draft)
        if image.disk_format != 'iso':
            draft.refuse(
                'hardware',
                f'hardware: cdroms: image {name} is no ISO image; use one that was created with '
                'disk_format: iso',
            )
        if image.unfinished:
            draft.refuse(
                'hardware',
                f'hardware: cdroms: image {name} is unfinished ({image.unfinished}); run the task '
                'that creates it again',
            )


def check_kept_topology(current: Server, vcpus: int, draft: Draft) -> None:
    """Refuse another number of vCPUs where the server has a topology."""
    if current.hardware and current.hardware.sockets:
        check_topology(current.name, current.hardware, vcpus, draft)


def check_topology(
    name: str,
    hardware: Hardware,
    vcpus: int,
    draft: Draft,
) -> bool:
    """Whether vCPUs can have the topology of the hardware, also if their number is not known."""
    problem = topology_problem(hardware, vcpus) if vcpus else ''
    if problem:
        draft.refuse('hardware', f'hardware: server {name}: {problem}', name=name)
    return not problem
