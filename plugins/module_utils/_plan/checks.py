# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks that the plans of several kinds of resources make of what is new."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, Iterable, Mapping, Tuple

from .._model.change import Draft
from .._model.server_type import CONTAINER, ROOT_TAR, ROOTS

if TYPE_CHECKING:
    from .._model.flavor import Flavor
    from .._model.image import Image
    from .._model.network import Network
    from .._model.profile import Profile

DnsOwners = Mapping[Tuple[str, str], Tuple[str, ...]]  # by network and lower-case name


def check_fixed_ip(
    network: Network,
    fixed_ip: str,
    owner: str | None,
    option: str,
    draft: Draft,
) -> None:
    """Refuse an address that is not available in a network."""
    if not network.cidr:
        draft.refuse(
            option.rstrip(':'), f'{option} the network {network.name} has no IPv4 subnet; omit it'
        )
        return
    span = IPv4Network(network.cidr)
    address = IPv4Address(fixed_ip)
    if (
        address not in span
        or address in (span.network_address, span.broadcast_address)
        or fixed_ip == network.gateway
    ):
        draft.refuse(
            option.rstrip(':'),
            f'{option} {fixed_ip} is not an address for a server in {network.name} '
            f'({network.cidr}, gateway {network.gateway})',
        )
    check_not_in_use(fixed_ip, owner, option, draft)


def check_not_in_use(
    value: str,
    owner: str | None,
    option: str,
    draft: Draft,
) -> None:
    """Refuse an address or a MAC that is in use in a network."""
    if owner:
        draft.refuse(
            option.rstrip(':'),
            f'{option} {value} is in use by {owner}; use another, or omit it',
        )


def check_dns_name(
    kind: str,
    name: str,
    networks: Iterable[str],
    owners: DnsOwners,
    draft: Draft,
) -> None:
    """Refuse a name that is in use in the DNS of a network, which is case-insensitive."""
    for network in dict.fromkeys(networks):
        sharing = owners.get((network, name.lower()), ())
        others = [owner for owner in sharing if owner != f'{kind} {name}']
        if others:
            draft.refuse(
                'name',
                f'name: {name} is already the DNS name of {", ".join(others)} in network {network} '
                '(case-insensitive); use another name, or another network',
                name=name,
            )


def check_free_floating_ips(
    needed: int,
    free: int | None,
    profile: Profile,
    draft: Draft,
) -> None:
    """Refuse to use more floating addresses than are free, as far as that is known."""
    if free is not None and needed > free:
        reason = 'no address is free' if needed == 1 else f'{needed} are needed, {free} are free'
        draft.refuse(
            'floating_ip',
            f'floating_ip: {reason}; delete some, or {profile.more_addresses}',
        )


def check_image_disk(image: Image | None, draft: Draft) -> None:
    """Refuse an image whose disk was removed."""
    if image and image.disk_missing:
        draft.refuse(
            'image',
            f'image {image.name}: its disk is missing; delete the image (state: absent) and '
            're-create it',
        )


def check_is_for(type_of_server: str, image: Image, draft: Draft) -> None:
    """Refuse an image that is not for servers of a type."""
    if type_of_server == CONTAINER:
        _check_is_root(image, draft)
    else:
        _check_is_disk(image, draft)


def _check_is_root(image: Image, draft: Draft) -> None:
    if image.disk_format not in ROOTS:
        draft.refuse(
            'image',
            f'image {image.name} is no root file system of a container; use one that was created '
            f'with disk_format: {ROOT_TAR}, or omit type: a server is what its image is for',
        )


def _check_is_disk(image: Image, draft: Draft) -> None:
    if image.disk_format in ROOTS:
        draft.refuse(
            'image',
            f'image {image.name} is the root file system of a container, which is no disk; use the '
            'image of a disk, or omit type: a server is what its image is for',
        )
    if image.disk_format == 'iso':
        draft.refuse(
            'image',
            f'image {image.name} is an ISO image, which is no disk; use the image of a disk, and '
            f'insert this one as a CD (hardware: cdroms: [{image.name}])',
        )


def check_room(flavor: Flavor, draft: Draft) -> None:
    """Refuse a maximum that is less than the size."""
    for option, size in (('max_vcpus', flavor.vcpus), ('max_memory', flavor.memory)):
        most = getattr(flavor, option)
        if most is not None and most < size:
            draft.refuse(
                option,
                f'{option}: {most} is less than the {option[4:]} of the flavor ({size}); use at '
                'least that',
            )
