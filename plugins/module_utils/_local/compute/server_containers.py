# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The libvirt-LXC containers of servers; ``row`` is a complete one (server_rows.py)."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Dict, Tuple

from ..._cloud import Refused, TimedOut
from ..._model.application import Application, application_from
from ..._model.change import Change
from ..._model.effect import RESTART
from ..._model.server import Server
from ..._model.server_type import ROOT_TAR
from ..host.capabilities import grows_mounted
from ..host.control_group import is_frozen, is_version_2, set_frozen
from ..host.file_systems import unmount
from ..host.files import read_file, write_atomically
from ..host.guest_files import remove_tree
from ..host.hypervisor import tolerate
from ..host.mounts import mounted_below
from ..host.owners import let_in
from ..host.root_disks import grow_root, mount_root, remove_root
from ..host.user_namespace import first_id, first_id_of
from ..record.work import wait_until
from ..storage.pools import pool_of
from . import container_domain, container_names, container_roots
from .console import console_of
from .container_console import is_read
from .container_init import halt_signal, has_ended, signal_init
from .container_interfaces import has_interfaces, interfaces_of
from .container_limits import set_size
from .first_boot_content import check_recorded, content_of
from .live_size import definition_of
from .machines import destroy
from .seed import texts
from .server_machines import ServerMachines

if TYPE_CHECKING:
    from .row_types import CompleteServer

_MOST_NAME = 64  # bytes of a host name; that of a container is the name of its domain
_KEPT = 'user-data'  # of a container that is rebuilt: its files may be half removed
_NO_CLOUD_NETWORK = 'network: {config: disabled}\n'


class ServerContainers(ServerMachines):
    """Containers of libvirt-LXC, each with users of its own."""

    logs = '/var/log/libvirt/lxc'

    @property
    def connection(self) -> Any:
        """This thread's connection to the LXC driver."""
        return self.host.hypervisor.lxc

    def name(self, row: CompleteServer) -> str:
        """The name of the domain, with as much of the server's name as fits."""
        return super().name(row)[:_MOST_NAME]

    def prepare(self, row: CompleteServer) -> None:
        """Unpack the root file system, with its first-boot content."""
        self._application(row)
        self._create_root(row, row['first_boot'])

    def _create_root(self, row: CompleteServer, user_data: str) -> None:
        files = self.files(row, user_data)
        image = pool_of(self.host).image(row['image_uuid'], ROOT_TAR)
        locks = self.host.work.held_lock('server', row['name'])
        root = self.root(row)
        user = first_id(row['id'])
        container_roots.create_folder(self.folder(row), user)
        password = self.keep_password(row)
        container_roots.create(
            self.host,
            root,
            row['root_size'],
            image.path,
            user,
            files,
            password,
            locks,
            source=f'image {row["image"]}',
        )

    def files(self, row: CompleteServer, user_data: str) -> Dict[str, str]:
        """What is written into the files of an image: texts by their paths."""
        files = container_names.name_files(row)
        if not row['application']:
            content = texts(content_of(row, user_data))
            files.update({f'{container_roots.SEED}/{name}': content[name] for name in content})
            files['etc/cloud/cloud.cfg.d/99-hanok.cfg'] = _NO_CLOUD_NETWORK
        return files

    def keep_password(self, row: CompleteServer) -> str:
        """Return the hash of the password of its root, if it has one, and keep that."""
        if not row['root_password']:
            return ''
        from .container_passwords import hash_of

        return hash_of(self.host.work, row, self.folder(row))

    def root(self, row: CompleteServer) -> str:
        """The folder of the root file system, which is mounted there if it is limited."""
        root = os.path.join(self.folder(row), 'root')
        mount_root(root)
        return root

    def xml(self, row: CompleteServer) -> str:
        """The domain as recorded."""
        root = self.root(row)
        first = first_id_of(root)
        let_in(self.folder(row), first)
        return container_domain.xml(
            container_domain.Container(
                name=self.defined_name(row),
                uuid=row['uuid'],
                memory=row['memory'],
                swap=row['swap'],
                vcpus=row['vcpus'],
                root=root,
                first_id=first,
                volumes=self._volumes(row, first),
                interfaces=interfaces_of(row),
                is_console_read=is_read(self.host),
                application=self._application(row),
                metadata=row['metadata'],
            )
        )

    def _volumes(self, row: CompleteServer, first: int) -> Tuple[Tuple[str, str], ...]:
        """The folders of its volumes, mounted on this host, and where the container has them."""
        if not row['volumes']:
            return ()
        from .container_volumes import attached

        return attached(self.host, row['volumes'], first)

    def _check_mount_points(self, row: CompleteServer) -> None:
        if row['volumes']:
            from .container_volumes import check_mount_points

            check_mount_points(self.host, row['name'], self.root(row), row['volumes'])

    def renew_volumes(self, row: CompleteServer) -> None:
        """Restart a container that runs with other volumes: libvirt-LXC plugs none."""
        from .container_volumes import is_outdated

        machine = self.lookup(row)
        if machine.isActive() and is_outdated(machine):
            self.shut_down(row)
        if row['power'] == 'started':
            self.start(row)

    def _application(self, row: CompleteServer) -> Application | None:
        """What a container runs. It may have no program to keep its console from filling up."""
        if not row['application']:
            return None
        if not is_read(self.host):
            raise Refused(
                f'image: {row["image"]} runs an application, whose output nobody would read here; '
                'run the role hanok.cloud.host, then restart libvirtd',
                'image',
            )
        return application_from(row['application'])

    def define(self, row: CompleteServer) -> Any:
        """Define the container as recorded, also its name."""
        self._renew_files(row)
        with tolerate('NO_DOMAIN'):
            self.rename(row)
        return super().define(row)

    def _renew_files(self, row: CompleteServer) -> None:
        """Mount anew what the kernel has stopped writing to, unless the container runs."""
        with tolerate('NO_DOMAIN'):
            if self.lookup(row).isActive():
                return
        from .container_volumes import renew

        renew(self.host, self.root(row), row['volumes'])

    def rename(self, row: CompleteServer) -> None:
        """Rename the container if it is off: libvirt-LXC has to define it anew."""
        machine = self.lookup(row)
        if machine.name() == self.name(row) or machine.isActive():
            return
        autostart = machine.autostart()
        machine.undefine()
        self.connection.defineXML(self.xml(row)).setAutostart(autostart)

    def start(self, row: CompleteServer) -> None:
        """Start the container."""
        machine = self.lookup(row)
        if not machine.isActive():
            machine = self.define(row)  # its console may be read by now, as it was not before
            self._check_mount_points(row)
            if is_read(self.host):
                console_of(self.host, row).mark_start()
        machine.setAutostart(1)
        with tolerate('OPERATION_INVALID'):  # it runs already
            machine.create()

    def erase(self, row: CompleteServer) -> None:
        """Delete the container with its files and logs."""
        self.undefine(row)
        for root in mounted_below(self.folder(row)):
            unmount(root)
        if row['volumes']:
            from .container_volumes import release

            release(self.host, row['volumes'])
        remove_tree(self.folder(row))
        super().erase(row)

    def resize(self, change: Change, row: CompleteServer) -> None:
        """Change the container to its recorded size; other interfaces come with a restart."""
        before = change.old(Server)
        after = change.new(Server)
        self.keep_off(after, row)
        if row['password']:
            self.keep_password(row)
        if before.unfinished is None and definition_of(before) == definition_of(after):
            return
        self._change_files(before, after, row)
        machine = self.define(row)
        is_restart = change.effect == RESTART or not has_interfaces(machine, row)
        if machine.isActive() and is_restart:
            self.shut_down(row)
        if machine.isActive():
            set_size(self.host.work, machine, row)
        self.define_and_start(row)

    def _change_files(self, before: Server, after: Server, row: CompleteServer) -> None:
        """Change what is said in its files, and how much they may take."""
        root, size = self.root(row), row['root_size']
        if size and not container_roots.has_size(root, size):  # first: what follows may need room
            container_roots.check_growth(row['name'], bool(self.lookup(row).isActive()))
            grow_root(root, size, grows_mounted())
        if before.unfinished or container_names.of_dns(before) != container_names.of_dns(after):
            container_names.renew(row, root, first_id_of(root))

    def rebuild(self, row: CompleteServer) -> None:
        """Start the container with fresh files, and the init script as it is now."""
        self.power_off(row)
        root, kept = self.root(row), os.path.join(self.folder(row), _KEPT)
        user_data = row['first_boot'] or read_file(kept) or container_roots.user_data(root)
        check_recorded(row, self.host.record.secret(), user_data)
        self.keep_password(row)
        write_atomically(kept, user_data)
        remove_root(root)
        self._create_root(row, user_data)
        os.unlink(kept)
        self.define_and_start(row)

    def pause(self, row: CompleteServer) -> None:
        """Pause the container."""
        if is_version_2():
            self._set_frozen(row, True)
        else:
            super().pause(row)

    def resume(self, row: CompleteServer) -> None:
        """Resume the paused container."""
        if is_version_2():
            self._set_frozen(row, False)
        else:
            super().resume(row)

    def _set_frozen(self, row: CompleteServer, frozen: bool) -> None:
        machine = self.lookup(row)
        with suppress(FileNotFoundError):  # it no longer runs
            set_frozen(machine, frozen)

        def is_done() -> bool:
            return is_frozen(machine) == frozen or not machine.isActive()

        if not wait_until(is_done, self.host.work.time_left()):
            raise TimedOut(
                f'timed out after {self.host.timeout} s (wait_timeout) waiting for the processes '
                f'of {row["name"]} to {"stand still" if frozen else "go on"}',
                'wait_timeout',
            )

    def limit(self, row: CompleteServer) -> None:
        """Do nothing: no flavor that limits devices has containers."""

    def _request_shutdown(self, machine: Any, row: CompleteServer) -> None:
        if has_ended(machine):
            destroy(machine)
            return
        number = halt_signal(self.root(row))
        if row['application']:
            number = application_from(row['application']).stop_signal
        signal_init(machine, number)
