# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Locks: one holder at a time, which is named; a child process that continues also holds it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._cloud import Busy, CloudError
from ansible_collections.hanok.cloud.plugins.module_utils._local.host import locks
from ansible_collections.hanok.cloud.plugins.module_utils._local.host.aborts import Abortable
from ansible_collections.hanok.cloud.plugins.module_utils._local.host.locks import Locks

WEB = ('server', 'web')
HOLDER = """
import sys
from ansible_collections.hanok.cloud.plugins.module_utils._local.host.locks import Locks
Locks(sys.argv[1], 'alice', 0).acquire({('server', 'web')})
print('held', flush=True)
sys.stdin.read()
"""


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until a condition of another thread is true."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def alice(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock of web until its standard input is closed."""
    tree = str(Path(locks.__file__).parents[7])
    with subprocess.Popen(
        [sys.executable, '-c', HOLDER, tmp_path],
        env={'PYTHONPATH': tree},
        stdin=-1,
        stdout=-1,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == 'held\n'
        yield process
        process.kill()


@pytest.mark.parametrize('name', ['../../elsewhere', 'a/b', 'ü' * 255, 'Ubuntu 24.04 LTS'])
def test_things_with_any_name_are_locked(tmp_path: Path, name: str) -> None:
    """By a file in the folder, whatever the name is; two names have two locks."""
    folder = tmp_path / 'state' / 'locks'
    one, other = Locks(str(folder), 'one', 0), Locks(str(folder), 'other', 0)
    one.acquire({('image', name)})
    other.acquire({('image', name + '.'), WEB})
    with pytest.raises(Busy):
        other.acquire({('image', name)})
    assert len(list(folder.iterdir())) == 3
    assert [path.name for path in tmp_path.iterdir()] == ['state']


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    """A released lock can be acquired, without a note."""
    one, other = Locks(str(tmp_path), 'one', 0), Locks(str(tmp_path), 'other', 0)
    one.acquire({WEB, ('server', 'db')})
    assert set(one.held) == {WEB, ('server', 'db')}
    with pytest.raises(Busy):
        other.acquire({WEB})
    other.acquire({('volume', 'web')})
    one.release()
    one.release()
    other.acquire({WEB})
    assert (one.held, other.notes) == ({}, [])
    other.release()


def test_the_holder_is_named(tmp_path: Path, alice: subprocess.Popen[str]) -> None:
    """The message has the holder, its process, since when, and how long this run waited."""
    with pytest.raises(
        Busy,
        match=r'^timed out after 0 s \(wait_timeout\) waiting for server web, '
        rf'held by alice \(pid {alice.pid}\) since \d\d:\d\d:\d\d$',
    ):
        Locks(str(tmp_path), 'bob', 0).acquire({WEB})


def test_who_asks_takes_no_lock(tmp_path: Path, alice: subprocess.Popen[str]) -> None:
    """A lock of another process is seen as held until that ends, and one's own never is."""
    bob, before = Locks(str(tmp_path), 'bob', 0), list(tmp_path.iterdir())
    assert bob.is_held_by_others(*WEB)
    assert not bob.is_held_by_others('server', 'other')
    assert list(tmp_path.iterdir()) == before
    alice.kill()
    alice.wait()
    assert not bob.is_held_by_others(*WEB)
    bob.acquire({WEB})
    assert not bob.is_held_by_others(*WEB)
    assert Locks(str(tmp_path), 'carol', 0).is_held_by_others(*WEB)
    assert not bob.is_held_by_others(*WEB)
    bob.release()
    assert not Locks(str(tmp_path), 'carol', 0).is_held_by_others(*WEB)


def test_a_killed_holder_holds_nothing(tmp_path: Path, alice: subprocess.Popen[str]) -> None:
    """No lock outlives its process."""
    alice.kill()
    alice.wait()
    bob = Locks(str(tmp_path), 'bob', 0)
    bob.acquire({WEB})
    bob.release()


def test_waiting_is_noted(tmp_path: Path, alice: subprocess.Popen[str]) -> None:
    """The second run acquires it when the first releases it, and notes once for whom it waited."""
    bob = Locks(str(tmp_path), 'bob', 60)
    thread = threading.Thread(target=bob.acquire, args=({WEB},))
    thread.start()
    wait_for(lambda: bob.notes)
    assert not bob.held
    alice.kill()
    thread.join(10)
    assert set(bob.held) == {WEB}
    (note,) = bob.notes
    assert note.startswith(f'waited for server web, held by alice (pid {alice.pid}) since ')
    bob.release()


def test_the_holder_is_asked_to_end(tmp_path: Path) -> None:
    """By who waits for its lock and interrupts it; not by others, and not who holds it later."""
    one, other, third = (Locks(str(tmp_path), name, 0) for name in ('one', 'other', 'kim lee'))
    one.acquire({WEB})
    made = Abortable(list(one.held.values()))
    other.interrupted.add(('server', 'db'))
    third.interrupted.add(WEB)
    with pytest.raises(Busy):
        other.acquire({WEB})
    made.check()
    third.timeout = 60
    thread = threading.Thread(target=third.acquire, args=({WEB},))
    thread.start()

    def is_asked() -> bool:
        with contextlib.suppress(CloudError):
            made.check()
            return False
        return True

    wait_for(is_asked)
    with pytest.raises(CloudError, match=r'^aborted by kim lee \(state: aborted\); '):
        made.check()
    Abortable().check()
    one.release()
    thread.join(10)
    Abortable(list(third.held.values())).check()
    third.release()


def test_child_process_holds_it(tmp_path: Path) -> None:
    """A killed run whose child process still writes a disk holds the lock, and is named."""
    killed, other = Locks(str(tmp_path), 'killed', 0), Locks(str(tmp_path), 'other', 0)
    killed.acquire({WEB})
    with subprocess.Popen(
        ['cat'], stdin=subprocess.PIPE, pass_fds=list(killed.held.values())
    ) as child:
        killed.release()
        assert other.is_held_by_others(*WEB)
        with pytest.raises(Busy, match='waiting for server web, held by killed'):
            other.acquire({WEB})
        child.kill()
    other.acquire({WEB})
    other.release()


def test_child_process_without_descriptor_holds_nothing(tmp_path: Path) -> None:
    """Other processes that are started meanwhile do not hold the lock."""
    one, other = Locks(str(tmp_path), 'one', 0), Locks(str(tmp_path), 'other', 0)
    one.acquire({WEB})
    with subprocess.Popen(['cat'], stdin=subprocess.PIPE) as child:
        one.release()
        other.acquire({WEB})
        child.kill()
    other.release()


def test_failed_acquire_can_be_released(tmp_path: Path) -> None:
    """Locks are acquired in order; the first ones do not leak."""
    holder, unlucky, third = (
        Locks(str(tmp_path), name, 0) for name in ('holder', 'unlucky', 'third')
    )
    holder.acquire({('volume', 'v')})
    with pytest.raises(Busy):
        unlucky.acquire({('volume', 'v'), WEB})
    assert set(unlucky.held) == {WEB}
    unlucky.release()
    third.acquire({WEB})
    third.release()
    holder.release()


def test_no_deadlock(tmp_path: Path) -> None:
    """Two runs never wait for each other, whatever the order of the names."""
    names = [('server', 'b'), ('server', 'a'), ('keypair', 'z'), ('volume', 'a')]
    failed: list[BaseException] = []

    def run(some: list[tuple[str, str]]) -> None:
        mine = Locks(str(tmp_path), 'run', 20)
        try:
            for _round in range(20):
                mine.acquire(set(some))
                mine.release()
        except Busy as error:
            failed.append(error)

    threads = [
        threading.Thread(target=run, args=(some,)) for some in (names, names[::-1], names[1:])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed


def test_projections(tmp_path: Path) -> None:
    """Held briefly, also if writing fails; no conflict with a resource of the same name."""
    one, other = Locks(str(tmp_path), 'one', 0), Locks(str(tmp_path), 'other', 0)
    one.acquire({('firewall', 'host')})

    def fail() -> None:
        with (
            one.projection('firewall'),
            pytest.raises(Busy, match='waiting for firewall, held by one'),
            other.projection('firewall'),
        ):
            pass
        with one.projection('firewall'):
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with other.projection('firewall') as descriptor:
        assert descriptor > 2
    one.release()


def test_files_are_kept_and_private(tmp_path: Path) -> None:
    """Two runs could hold the lock of a file that was removed."""
    folder = tmp_path / 'locks'
    one = Locks(str(folder), 'one', 0)
    one.acquire({WEB})
    one.release()
    (file,) = folder.iterdir()
    assert (folder.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)
    one.acquire({WEB})
    one.release()
    assert [file] == list(folder.iterdir())


@pytest.mark.parametrize('actor', ['x' * 500, 'é' * 100, 'a\tb'])
def test_any_actor(tmp_path: Path, actor: str) -> None:
    """The waiting run shows the name of the holder, however long, and no other error."""
    one = Locks(str(tmp_path), actor, 0)
    one.acquire({WEB})
    with pytest.raises(Busy, match=f'waiting for server web, held by {actor[:3]}'):
        Locks(str(tmp_path), 'other', 0).acquire({WEB})
    one.release()


WORKER = """
import sys
from ansible_collections.hanok.cloud.plugins.module_utils._local.host.locks import Locks
mine = Locks(sys.argv[1], 'alice', 0)
with mine.marked_active():
    mine.has_other_runs()
    print('active', flush=True)
    sys.stdin.read()
"""


def test_other_runs_are_detected(tmp_path: Path) -> None:
    """An active run is detected by other processes as long as it lives, without leaving a trace.

    Two runs may be active at the same time, and each may look for others.
    """
    folder = tmp_path / 'locks'
    mine = Locks(str(folder), 'me', 0)
    assert not mine.has_other_runs()
    assert not folder.exists()
    tree = str(Path(locks.__file__).parents[7])
    command, environment = [sys.executable, '-c', WORKER, str(folder)], {'PYTHONPATH': tree}
    with (
        subprocess.Popen(command, env=environment, stdin=-1, stdout=-1) as one,
        subprocess.Popen(command, env=environment, stdin=-1, stdout=-1) as other,
    ):
        assert one.stdout is not None
        assert other.stdout is not None
        assert one.stdout.readline() == other.stdout.readline() == b'active\n'
        assert mine.has_other_runs()
        one.kill()
        one.wait()
        assert mine.has_other_runs()
        other.kill()
    assert not mine.has_other_runs()


def test_projects(tmp_path: Path) -> None:
    """Resources of two projects have two locks; ranges of networks are chosen for one at a time."""
    one = Locks(str(tmp_path), 'one', 0, project='red')
    other = Locks(str(tmp_path), 'other', 0, project='blue')
    one.acquire({WEB, ('choice', 'of network addresses')})
    other.acquire({WEB})
    assert not Locks(str(tmp_path), 'third', 0).is_held_by_others(*WEB)
    with pytest.raises(Busy, match='choice of network addresses, held by one'):
        other.acquire({('choice', 'of network addresses')})
