# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is held of a host, by its record, and the limits that follow from that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._local.host.settings import Settings
from ansible_collections.hanok.cloud.plugins.module_utils._local.limits import limits
from ansible_collections.hanok.cloud.plugins.module_utils._local.record.holders import (
    Held,
    disk_space,
    held,
    root_space,
)
from ansible_collections.hanok.cloud.plugins.module_utils._local.record.host import Host
from ansible_collections.hanok.cloud.plugins.module_utils._local.record.project_usage import usage
from ansible_collections.hanok.cloud.plugins.module_utils._local.record.record import Record
from ansible_collections.hanok.cloud.plugins.module_utils._model.server import Size
from ansible_collections.hanok.cloud.plugins.module_utils._model.volume import DEFAULT_TYPE
from ansible_collections.hanok.cloud.tests.filled_record import fill

RESOURCES = ('host_memory', 'host_vcpus', 'running_memory', 'host_disk')


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Record]:
    """A record with a server of 512 MiB, a load balancer and volumes."""
    opened = Record(str(tmp_path), 'me')
    opened.writer.open()
    with closing(opened.sql):
        fill(opened)
        yield opened


def test_all_projects_count(record: Record) -> None:
    """The host is theirs together."""
    before, volumes = held(record), disk_space(record, DEFAULT_TYPE)
    assert before == Held(1, 1, 1, 512 + 256)
    assert volumes[0] > 0
    record.project = 'other'
    fresh = Record(record.folder, 'me', False, 'other')
    with closing(fresh.sql):
        assert held(fresh) == before
        assert disk_space(fresh, DEFAULT_TYPE) == volumes


@pytest.mark.parametrize(
    ('power', 'before', 'expected'),
    [
        ('stopped', None, (1, 512)),
        ('paused', None, (1, 512)),
        ('shelved', None, (0, 0)),
        ('started', Size('old', 4, 256, 1), (4, 512)),
    ],
)
def test_what_a_server_holds(
    record: Record, power: str, before: Size | None, expected: tuple[int, int]
) -> None:
    """All but what is shelved, and the larger size while a resize can be reverted."""
    columns = {'power': power, 'resized_from': before and before.recorded()}
    record.writer.open()
    record.sql.execute(
        'UPDATE main.server SET power = :power, resized_from = :resized_from', columns
    )
    found = held(record)
    assert (found.vcpus, found.memory - 256) == expected
    assert found.servers == (power != 'shelved')


def test_limited_containers(record: Record, tmp_path: Path) -> None:
    """The limit of the files of a container counts as a root volume does."""
    settings = Settings(str(tmp_path), str(tmp_path), disk_allocation_ratio=1.0)

    def used() -> tuple[int, int]:
        (disk,) = limits(Host(settings, record, 1), ['host_disk'])
        return disk.used, usage(record, record.project)['volume_size']

    assert root_space(record) == (0, 0)
    before = used()
    record.sql.execute("UPDATE main.server SET type = 'container', root_size = 7")
    assert root_space(record) == (1, 7)
    assert used() == (before[0] + 7, before[1] + 7)


def test_settings_of_the_operator(record: Record, tmp_path: Path) -> None:
    """The limit is (total - reserved) * ratio; without a ratio of disks, what is free counts."""
    settings = Settings(str(tmp_path), str(tmp_path), reserved_host_memory_mb=100)
    found = {
        one.resource: one for one in limits(Host(settings, record, 1), RESOURCES) if one.supply
    }
    memory, vcpus, disk = (found[name] for name in RESOURCES if name in found)
    assert memory.supply
    assert vcpus.supply
    assert disk.supply
    assert memory.total == memory.supply.total - 100
    assert vcpus.total == 16 * vcpus.supply.total
    assert (memory.used, vcpus.used) == (768, 1)
    assert disk.total == disk.supply.total
    overcommitted = settings._replace(
        ram_allocation_ratio=2.0, cpu_allocation_ratio=0.5, disk_allocation_ratio=3.0
    )
    found = {one.resource: one for one in limits(Host(overcommitted, record, 1), RESOURCES)}
    assert found['host_memory'].total == 2 * memory.total
    assert found['host_vcpus'].total == int(0.5 * vcpus.supply.total)
    assert found['host_disk'].total == 3 * disk.total
    assert found['host_disk'].used == disk_space(record, DEFAULT_TYPE)[1]
    assert set(found) == set(RESOURCES)
