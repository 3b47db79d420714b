# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The fake hypervisor of nova, which starts nothing, with what it lacks.

A snapshot really has some bytes, so that the image of a server becomes active; servers are known
after a restart of the process; the node keeps its identity, else nova does not start again.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nova import context as nova_context
from nova import exception, objects
from nova.compute import power_state, task_states
from nova.conf import CONF
from nova.image import glance
from nova.virt import fake


class NoGuestsDriver(fake.FakeDriverWithoutFakeNodes):
    """A hypervisor without guests."""

    def init_host(self, host: str) -> None:
        """Read the servers of this host from the database."""
        super().init_host(host)
        for cell in objects.CellMappingList.get_all(nova_context.get_admin_context()):
            if cell.is_cell0():
                continue
            context = nova_context.get_admin_context()
            nova_context.set_target_cell(context, cell)
            for server in objects.InstanceList.get_by_host(context, host):
                state = server.power_state or power_state.RUNNING
                guest = fake.FakeInstance(server.name, state, server.uuid)
                self.instances[server.uuid] = guest

    def get_console_output(self, context: Any, instance: Any) -> bytes:
        """Return what a test has written as the console of a server."""
        with contextlib.suppress(FileNotFoundError):
            return Path(CONF.state_path, 'consoles', instance.uuid).read_bytes()
        return b''

    def snapshot(
        self, context: Any, instance: Any, image_id: str, update_task_state: Callable[..., None]
    ) -> None:
        """Upload an image of a server."""
        if instance.uuid not in self.instances:
            raise exception.InstanceNotRunning(instance_id=instance.uuid)
        pending = task_states.IMAGE_PENDING_UPLOAD
        update_task_state(task_state=pending)
        images = glance.API()
        image = {
            'disk_format': 'raw',
            'container_format': 'bare',
            'status': 'active',
            'name': images.get(context, image_id)['name'],
            'properties': {'image_state': 'available', 'image_location': 'snapshot'},
        }
        update_task_state(task_state=task_states.IMAGE_UPLOADING, expected_state=pending)
        content = io.BytesIO(b'the root disk of a server\n')
        images.update(context, image_id, image, content, purge_props=False)
