# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How an OpenStack differs from other clouds."""

from __future__ import annotations

from .._model.change import AFTER_APPLY
from .._model.profile import Profile, UnsupportedOption
from .api.aliases import Aliases

_UNSUPPORTED = (
    UnsupportedOption('keypair', 'labels', ({},), 'Nova keeps none with key pairs; omit it'),
    UnsupportedOption('keypair', 'description', ('',), 'Nova keeps none with key pairs; omit it'),
    *(
        UnsupportedOption('server', option, (), 'Nova has servers with flavors only; use flavor')
        for option in ('vcpus', 'memory')
    ),
    *(
        UnsupportedOption('flavor', option, (), 'Nova changes no running server; omit it')
        for option in ('max_vcpus', 'max_memory')
    ),
    UnsupportedOption(
        'image',
        'disk_format',
        ('qcow2',),
        'Nova inserts no CD into a server, and has no containers; create the image with the client '
        'of OpenStack',
    ),
    *(
        UnsupportedOption(
            'image',
            option,
            (),
            'share it with the client of OpenStack (image set, image add project)',
        )
        for option in ('visibility', 'shared_with')
    ),
    UnsupportedOption(
        'image', 'snapshot', (), 'create a volume from the snapshot, and an image from that'
    ),
    UnsupportedOption(
        'image', 'export_path', (), 'write it with the client of OpenStack (image save)'
    ),
    *(
        UnsupportedOption(
            kind,
            'grow',
            (False,),
            'it needs cloud: local, which sees into guests; grow the file system in the guest',
        )
        for kind in ('server', 'volume')
    ),
    *(
        UnsupportedOption('volume', option, none, 'Nova has no containers; omit it')
        for option, none in (('file_system', ()), ('mount_point', ()), ('allow_restart', (False,)))
    ),
    UnsupportedOption(
        'volume',
        'read_only',
        (False,),
        'Nova attaches volumes writable, unless they were made read-only in Cinder; use one server',
    ),
    UnsupportedOption('server', 'type', ('vm',), 'Nova has no containers; omit it'),
    UnsupportedOption('server', 'on_crash', (), 'Nova starts none after a crash; omit it'),
    *(
        UnsupportedOption('server', option, (), 'Nova starts servers with their hosts; omit it')
        for option in ('start_order', 'start_delay')
    ),
    UnsupportedOption('server', 'swap', (0,), 'flavors of Nova decide about swap; omit it'),
    *(
        UnsupportedOption('server', option, (none,), 'subnets decide about DNS; omit it')
        for option, none in (('dns_servers', []), ('dns_domain', 'none'))
    ),
    UnsupportedOption(
        'server',
        'root_password',
        (),
        'images decide who has a password; use user_data, and omit it',
    ),
    UnsupportedOption('server', 'hardware', (), 'properties of images and flavors decide; omit it'),
    UnsupportedOption(
        'server',
        'guest_agent',
        (True,),
        'the property hw_qemu_guest_agent of the image decides about it; omit it',
    ),
    UnsupportedOption(
        'server',
        'force',
        (False,),
        'Nova shuts guests down, and powers them off after the time that the property '
        'os_shutdown_timeout of the image gives them; omit it',
    ),
)


def profile_of(aliases: Aliases) -> Profile:
    """Return the profile of a cloud with these names for those in playbooks."""
    return Profile(
        # base64, 65,535 bytes of it (compute API, "Create server")
        max_user_data=49_151,
        max_init_script=49_151,
        # of a tag, 255 characters with the key (Neutron, standard-attr-tag)
        max_label=190,
        max_key_names=1,
        more_addresses='ask the operator for a larger quota',
        poll_interval=1.0,
        volumes_of_running=True,
        sees_guests=False,
        has_hardware=False,
        rebuild_resizes=False,
        unsupported=_UNSUPPORTED,
        aliases=aliases.by_kind(),
        default_volume_type=AFTER_APPLY,
    )
