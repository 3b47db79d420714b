# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each service is a function that returns its WSGI application.

It migrates its database before, and starts its workers as threads.
Services are imported inside, because each process is one service. What they read when they are
imported is set before: sys.argv, environment variables, the threads.
"""

from __future__ import annotations

import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from typing import Any

import layout
from layout import IDENTITY_READY, VENV, configuration_of
from migrations import Migrations

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
# What runs in threads must be referred to by something.
WORKERS: list[Any] = []


def keystone() -> Application:
    """Identity; the first migration also makes the user admin and its endpoint."""
    migrations = Migrations('keystone')
    if migrations.wanted:
        from keystone.cmd import cli

        def main() -> Any:
            return cli.main(sys.argv)

        owner = ('--keystone-user', str(os.getuid()), '--keystone-group', str(os.getgid()))
        migrations.run(main, 'keystone-manage', 'fernet_setup', *owner)
        migrations.run(main, 'keystone-manage', 'credential_setup', *owner)
        migrations.run(main, 'keystone-manage', 'db_sync')
        bootstrap = ('bootstrap', '--bootstrap-password', 'admin')
        region = ('--bootstrap-region-id', layout.REGION)
        address = ('--bootstrap-public-url', f'{layout.url("keystone")}/v3')
        migrations.run(main, 'keystone-manage', *bootstrap, *region, *address)
        migrations.done()
    sys.argv = ['keystone']
    from keystone.wsgi.api import application

    return application


def glance() -> Application:
    """Images."""
    migrations = Migrations('glance')
    if migrations.wanted:
        from glance.cmd.manage import main

        migrations.run(main, 'glance-manage', 'db', 'sync')
        migrations.done()
    sys.argv = ['glance-api']
    from glance.wsgi.api import application

    return application


def placement() -> Application:
    """Resources of hypervisors."""
    migrations = Migrations('placement')
    if migrations.wanted:
        from placement.cmd.manage import main

        migrations.run(main, 'placement-manage', 'db', 'sync')
        migrations.done()
    sys.argv = ['placement-api']
    from placement.wsgi.api import application

    return application


def nova() -> Application:
    """Servers: API, conductor, scheduler and one hypervisor."""
    from nova import monkey_patch

    monkey_patch.patch(backend='threading')  # before anything can import eventlet
    migrations = Migrations('nova')
    if migrations.wanted:
        from nova.cmd.manage import main

        migrations.run(main, 'nova-manage', 'api_db', 'sync')
        migrations.run(main, 'nova-manage', 'cell_v2', 'map_cell0')
        migrations.run(main, 'nova-manage', 'db', 'sync')
        migrations.run(main, 'nova-manage', 'cell_v2', 'create_cell', '--name', 'cell1')
    # api-paste.ini must be the first.
    files = (VENV / 'etc' / 'nova' / 'api-paste.ini', configuration_of('nova'))
    os.environ['OS_NOVA_CONFIG_FILES'] = ';'.join(map(str, files))
    _put_into_nova('no_guests')
    sys.argv = ['nova-api']
    from nova.wsgi.osapi_compute import application

    _stay_in_this_process()
    _await(layout.url('placement'))
    _await_identity()
    _start_nova_workers()
    if migrations.wanted:
        from nova import context
        from nova.objects import host_mapping

        host_mapping.discover_hosts(context.get_admin_context())
        migrations.done()
    return application


def _put_into_nova(name: str) -> None:
    """Nova finds drivers only in its package nova.virt."""
    import nova.virt

    driver = __import__(name)
    sys.modules[f'nova.virt.{name}'] = driver
    setattr(nova.virt, name, driver)


def _start_nova_workers() -> None:
    import os_brick
    import os_vif
    from nova import objects, service
    from nova.compute import rpcapi as compute
    from nova.conductor import rpcapi as conductor
    from nova.scheduler import rpcapi as scheduler
    from oslo_config import cfg

    os_vif.initialize()
    os_brick.setup(cfg.CONF)
    objects.Service.enable_min_version_cache()
    for binary, topic, other_topic in (
        ('nova-conductor', conductor.RPC_TOPIC, None),
        ('nova-scheduler', scheduler.RPC_TOPIC, None),
        ('nova-compute', compute.RPC_TOPIC, compute.RPC_TOPIC_ALT),
    ):
        worker = service.Service.create(binary=binary, topic=topic, topic_alt=other_topic)
        worker.start()
        WORKERS.append(worker)


def neutron() -> Application:
    """Networks."""
    migrations = Migrations('neutron')
    if migrations.wanted:
        from neutron.db.migration.cli import main

        migrations.run(main, 'neutron-db-manage', 'upgrade', 'head')
        migrations.done()
    os.environ['OS_NEUTRON_CONFIG_FILES'] = 'neutron.conf'
    sys.argv = ['neutron-api']
    from neutron.wsgi.api import application

    return application


def cinder() -> Application:
    """Volumes: API, one backend, scheduler."""
    from cinder import monkey_patch

    monkey_patch.patch(backend='threading')
    migrations = Migrations('cinder')
    if migrations.wanted:
        from cinder.cmd.manage import main

        migrations.run(main, 'cinder-manage', 'db', 'sync')
        migrations.done()
    sys.argv = ['cinder-api', '--config-file', str(configuration_of('cinder'))]
    from cinder.wsgi.api import application

    _stay_in_this_process()
    _await(layout.url('keystone'))
    import os_brick
    from cinder import service, utils
    from cinder.common import constants
    from oslo_config import cfg

    os_brick.setup(cfg.CONF)
    utils.get_root_helper = lambda: 'env'  # qemu-img needs no root for our files
    # The backend first: a scheduler that knows no backend waits a minute for one.
    backend = service.Service.create(
        host=f'{cfg.CONF.host}@files',
        service_name='files',
        binary=constants.VOLUME_BINARY,
        coordination=True,
    )
    backend.start()
    scheduler = service.Service.create(binary='cinder-scheduler')
    scheduler.start()
    WORKERS.extend((backend, scheduler))
    return application


def octavia() -> Application:
    """Load balancers: API and worker."""
    migrations = Migrations('octavia')
    if migrations.wanted:

        def main() -> Any:
            # Imported by the fork only: it adds a command to the configuration.
            from octavia.db.migration.cli import main

            return main()

        migrations.run(main, 'octavia-db-manage', 'upgrade', 'head')
        migrations.done()
    _await(layout.url('keystone'))
    sys.argv = ['octavia-api', '--config-file', str(configuration_of('octavia'))]
    from octavia.controller.queue.v2 import consumer
    from octavia.wsgi.api import application

    worker = _octavia_worker(consumer)
    worker.run()
    WORKERS.append(worker)
    return application


def _octavia_worker(consumer: Any) -> Any:
    from oslo_config import cfg

    class Worker(consumer.ConsumerService):
        """The worker without what makes it a process."""

        def __init__(self, conf: Any) -> None:
            self.conf, self.server = conf, conf.host
            self.topic = consumer.constants.TOPIC_AMPHORA_V2
            self.access_policy = consumer.dispatcher.DefaultRPCAccessPolicy
            self.endpoints: list[Any] = []
            self.message_listener = None

    return Worker(cfg.CONF)


def _stay_in_this_process() -> None:
    """Run what is privileged here, without daemon, sudo and rootwrap.

    Called after the threads are chosen, because it imports eventlet.
    """
    from oslo_privsep.priv_context import PrivContext

    PrivContext.client_mode = property(lambda _context: False, lambda _context, _value: None)


def _await(address: str) -> None:
    """Wait until a service answers: its port is open from the beginning."""
    try:
        urllib.request.urlopen(address, timeout=300).close()  # noqa: S310
    except urllib.error.HTTPError as error:
        error.close()


def _await_identity() -> None:
    while not IDENTITY_READY.exists():
        time.sleep(0.05)
