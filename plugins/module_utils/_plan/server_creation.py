# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""New servers, and those whose creation was interrupted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Dict, Mapping

from .._model.change import Draft
from .._model.checks import DEFAULT_GROUP
from .._model.effect import COMPLETES_INTERRUPTED_RUN
from .._model.hardware import DEFAULT
from .._model.kinds import Verb
from .._model.nic_request import compared
from .._model.server import Nic, Server, is_on_bridges_only
from .._model.server_request import STOPPED_STATES, ServerRequest
from .._model.server_type import CONTAINER, ROOTS, VM
from .checks import check_image_disk, check_is_for
from .server_connections import (
    assign_own_groups,
    check_balancers,
    check_server_name,
    new_floating_ip,
    new_networks,
)
from .server_machine import settle_machine
from .server_observations import ObservedServers

if TYPE_CHECKING:
    from .._model.flavor import Flavor
    from .._model.image import Image


def new_server(
    name: str, request: ServerRequest, observed: ObservedServers, draft: Draft
) -> Server:
    """Return a server to be created."""
    options = observed.recorded_options(request)
    if not request.like:
        _check_complete(name, options, draft)
    if request.networks is None:
        network = observed.profile.default_network
        options['networks'] = (Nic(network),)
        draft.require('network', network, observed.networks, 'networks')
    else:
        options['networks'] = new_networks(request.networks, observed, draft)
        _check_bridged(name, options, request, draft)
        assign_own_groups(options, draft)
    _set_type(options, observed)
    _set_sizes(Server(name), options, observed, draft)
    options['floating_ip'] = new_floating_ip(request, observed, draft)
    server = Server(
        name=name,
        member_of=None if request.count is None else request.name,
        node=observed.profile.node,
        **options,
    ).powered('stopped' if request.state in STOPPED_STATES else 'started')
    check_server_name(server, observed, draft)
    if request.wait_for == 'ssh':
        from .server_ssh import check_ssh_allowed

        check_ssh_allowed(server, request, observed, draft)
    return server


def _check_bridged(
    name: str, options: Dict[str, Any], request: ServerRequest, draft: Draft
) -> None:
    if is_on_bridges_only(options['networks']):
        from .server_bridges import check_bridged

        check_bridged(name, options, request, draft)


def _check_complete(name: str, options: Mapping[str, Any], draft: Draft) -> None:
    size = 'vcpus' if 'vcpus' in options else 'flavor'
    absent = [option for option in (size, 'image') if options.get(option) is None]
    if absent:
        draft.refuse(
            absent[0],
            f'server {name} does not exist; to create it, also set {" and ".join(absent)}',
            name=name,
        )


def complete_creation(
    current: Server, request: ServerRequest, observed: ObservedServers, draft: Draft
) -> Server:
    """Complete an interrupted creation.

    A server that never ran gets the options of this request; one that already runs is first
    completed as it is recorded.
    """
    recorded = current.completed()
    after = recorded
    if not current.launched:
        after = replace(_with_request(recorded, request, observed, draft), outdated=())
    if after == recorded:
        check_first_boot(current, request, observed, draft)
    else:
        check_server_name(after, observed, draft)
        check_first_boot(replace(after, seeded=False), request, observed, draft)
    return draft.add('server', Verb.CREATE, None, after, why=COMPLETES_INTERRUPTED_RUN)


def check_first_boot(
    current: Server, request: ServerRequest, observed: ObservedServers, draft: Draft
) -> None:
    """Refuse to re-create a first-boot disk without all of its content."""
    if current.seeded:
        return
    script = current.init_script
    if script and script not in observed.init_scripts:
        draft.miss(
            'init_script',
            f'server {current.name} has no first-boot disk, and its init script {script} does not '
            'exist; re-create that, or delete the server',
        )
    for option in ('user_data', 'root_password'):
        if getattr(current, option) and getattr(request, option) is None:
            draft.refuse(
                option,
                f'server {current.name} has no first-boot disk, and only a hash of its {option} is '
                f'recorded; specify {option} again, or delete the server',
                name=current.name,
            )


def _with_request(
    current: Server, request: ServerRequest, observed: ObservedServers, draft: Draft
) -> Server:
    """Return a recorded server that was not created yet, with the options of this request."""
    options = observed.recorded_options(request)
    if options.get('user_data'):
        options['init_script'] = None
    elif options.get('init_script'):
        options['user_data'] = None
    _set_networks(options, current, request, observed, draft)
    if 'image' not in options:
        options.update(image=current.image, type=current.type)
    _set_type(options, observed)
    if options['type'] != current.type:
        options.setdefault('vcpus', current.vcpus)  # without a flavor, the disk is for the image
        current = replace(current, volume_size=0)
    elif options.get('flavor') in (None, current.flavor):
        options.setdefault('volume_size', current.volume_size)
    _set_sizes(current, options, observed, draft)
    keeps_floating_ip = request.floating_ip in (None, 'auto') and current.floating_ip
    options['floating_ip'] = keeps_floating_ip or new_floating_ip(request, observed, draft)
    if is_on_bridges_only(options.get('networks', current.networks)):
        options['floating_ip'] = None
    power = current.power
    if request.state != 'present':
        power = 'stopped' if request.state in STOPPED_STATES else 'started'
    return replace(current, **options).powered(power)


def _set_networks(
    options: Dict[str, Any],
    current: Server,
    request: ServerRequest,
    observed: ObservedServers,
    draft: Draft,
) -> None:
    """Set the connections of a server that was not created yet, and its own groups."""
    if request.networks is None:
        return
    if request.has_requested_networks(current):
        options['networks'] = compared(request.networks, current.networks).kept
        return
    options['networks'] = new_networks(request.networks, observed, draft)
    _check_bridged(current.name, options, request, draft)
    check_balancers(current.name, options['networks'], observed, draft)
    options.setdefault('security_groups', current.security_groups or (DEFAULT_GROUP,))
    if all(nic.security_groups is not None for nic in options['networks']):
        options['security_groups'] = ()


def _set_sizes(
    server: Server, options: Dict[str, Any], observed: ObservedServers, draft: Draft
) -> None:
    """Set the sizes and the machine of a new server; refuse an unusable image.

    ``server``: as it is recorded, or only the name.
    """
    flavor = observed.flavors.get(options.get('flavor', ''))
    image = draft.settled('image', observed.images.get(options.get('image', '')))
    check_image_disk(image, draft)
    if image and observed.profile.has_hardware:
        check_is_for(options['type'], image, draft)
    if image and image.unfinished:
        draft.refuse(
            'image',
            f'image {image.name} is unfinished ({image.unfinished}); run the task that creates it '
            'again',
        )
    if flavor:
        options.update(vcpus=flavor.vcpus, memory=flavor.memory)
    if options['type'] == VM:
        _set_room(options, flavor, _min_disk(image))
    _check_size(options.get('volume_size'), image, draft)
    hardware = server.hardware or (DEFAULT if observed.profile.has_hardware else None)
    start = replace(server, type=options['type'], hardware=hardware)
    settle_machine(start, dict(options), options, flavor, observed, draft)


def _set_room(options: Dict[str, Any], flavor: Flavor | None, min_disk: int) -> None:
    """Set what a new virtual machine can get while it runs, and the size of its disk."""
    if flavor:
        options.update(max_vcpus=flavor.max_vcpus, max_memory=flavor.max_memory)
        options.setdefault('volume_size', max(flavor.disk, min_disk))
    elif 'vcpus' in options:
        options.setdefault('volume_size', min_disk)


def _check_size(size: int | None, image: Image | None, draft: Draft) -> None:
    """Refuse a size that is too small for the image. A container may have none."""
    min_disk = _min_disk(image)
    if image and size and size < min_disk:
        draft.refuse(
            'volume_size',
            f'volume_size: {size} GB is less than the image {image.name} requires; use at least '
            f'{min_disk}',
        )


def _set_type(options: Dict[str, Any], observed: ObservedServers) -> None:
    """Set the type of a new server, by default what its image is for, and what it runs."""
    image = observed.images.get(options.get('image', ''))
    is_root = image is not None and image.disk_format in ROOTS
    options['is_application'] = image is not None and image.application is not None
    options.setdefault('type', CONTAINER if is_root else VM)


def _min_disk(image: Image | None) -> int:
    return image.min_disk if image and isinstance(image.min_disk, int) else 1
