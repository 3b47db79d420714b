# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The actions of the life cycle: what is done with servers that exist, apart from updates.

A transaction records what the servers will be; then each phase shows its task state and does its
step, for all of them side by side. All steps are idempotent: an interrupted action is repeated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, NamedTuple, Tuple

from ..._cloud import CloudError, Outcomes, TimedOut
from ..._model.change import Change, Changes
from ..._model.effect import POWER_OFF
from ..._model.kinds import Verb
from ..._model.root_volume import root_name
from ..._model.server import Server
from ..._model.status import TaskState
from ..catalogue.schedule_servers import rename_server
from ..network import dns_names
from ..record.work import THREADS
from . import server_rows, snapshot_rows
from .server_queries import init_script_hash
from .server_status import recorded_power
from .server_writer import ids_of

if TYPE_CHECKING:
    from .row_types import CompleteServer
    from .server_machines import ServerMachines
    from .server_writer import ServerWriter

Step = Callable[['ServerMachines', 'CompleteServer'], None]


class Phase(NamedTuple):
    """A part of an action: what is shown meanwhile, and what is done with each machine."""

    task_state: TaskState
    step: Step


def _do_nothing(machines: ServerMachines, row: CompleteServer) -> None:
    """Nothing is left to be done with the machine."""


def _start(machines: ServerMachines, row: CompleteServer) -> None:
    machines.start(row)


def _shut_down(machines: ServerMachines, row: CompleteServer) -> None:
    machines.shut_down(row)


def _power_off(machines: ServerMachines, row: CompleteServer) -> None:
    machines.power_off(row)


def _pause(machines: ServerMachines, row: CompleteServer) -> None:
    machines.pause(row)


def _resume(machines: ServerMachines, row: CompleteServer) -> None:
    machines.resume(row)


def _define_and_start(machines: ServerMachines, row: CompleteServer) -> None:
    machines.define_and_start(row)


def _rebuild(machines: ServerMachines, row: CompleteServer) -> None:
    machines.rebuild(row)


def _rescue(machines: ServerMachines, row: CompleteServer) -> None:
    machines.rescue(row)


def _unrescue(machines: ServerMachines, row: CompleteServer) -> None:
    machines.unrescue(row)


_PHASES: Mapping[Verb, Tuple[Phase, ...]] = {
    Verb.START: (Phase(TaskState.POWERING_ON, _start),),
    Verb.STOP: (Phase(TaskState.POWERING_OFF, _shut_down),),
    Verb.POWER_OFF: (Phase(TaskState.POWERING_OFF, _power_off),),
    Verb.PAUSE: (Phase(TaskState.PAUSING, _pause),),
    Verb.RESUME: (Phase(TaskState.RESUMING, _resume),),
    Verb.REBOOT: (
        Phase(TaskState.REBOOTING, _shut_down),
        Phase(TaskState.REBOOT_STARTED, _define_and_start),
    ),
    Verb.HARD_REBOOT: (
        Phase(TaskState.REBOOTING_HARD, _power_off),
        Phase(TaskState.REBOOT_STARTED_HARD, _define_and_start),
    ),
    Verb.SHELVE: (Phase(TaskState.SHELVING, _shut_down),),
    Verb.UNSHELVE: (Phase(TaskState.UNSHELVING, _define_and_start),),
    Verb.RESIZE: (
        Phase(TaskState.RESIZE_PREP, _shut_down),
        Phase(TaskState.RESIZE_FINISH, _define_and_start),
    ),
    Verb.CONFIRM_RESIZE: (Phase(TaskState.RESIZE_CONFIRMING, _do_nothing),),
    Verb.REVERT_RESIZE: (
        Phase(TaskState.RESIZE_REVERTING, _shut_down),
        Phase(TaskState.RESIZE_REVERTING, _define_and_start),
    ),
    Verb.REBUILD: (Phase(TaskState.REBUILDING, _rebuild),),
    Verb.RESCUE: (
        Phase(TaskState.RESCUING, _shut_down),
        Phase(TaskState.RESCUING, _rescue),
    ),
    Verb.UNRESCUE: (
        Phase(TaskState.UNRESCUING, _shut_down),
        Phase(TaskState.UNRESCUING, _unrescue),
    ),
}
# After a failure of these the server is what it was; what others began is completed by a task.
_SIZE = ('flavor', 'vcpus', 'memory', 'max_vcpus', 'max_memory')
_UNDONE = frozenset(
    {
        Verb.START,
        Verb.STOP,
        Verb.POWER_OFF,
        Verb.PAUSE,
        Verb.RESUME,
        Verb.SHELVE,
        Verb.UNSHELVE,
    }
)


# These end what a server serves, and not at once: it is drained before.
_DRAINED = frozenset(
    {
        Verb.STOP,
        Verb.REBOOT,
        Verb.SHELVE,
        Verb.RESIZE,
        Verb.REVERT_RESIZE,
        Verb.REBUILD,
        Verb.RESCUE,
    }
)


class ServerActions:
    """Applies actions to servers."""

    def __init__(self, writer: ServerWriter) -> None:
        """``writer``: its record and machines are used."""
        self.writer = writer
        self.host = writer.host
        self.record = writer.record

    def act(self, changes: Changes) -> Outcomes:
        """Apply the action that all changes have as their verb."""
        verb = changes[0].verb
        if verb == Verb.RENAME:
            return self._rename(changes)
        self.host.work.start_clock()
        phases = _PHASES[verb]
        outcomes = self._begin(changes, phases[0].task_state)
        rows = self.writer.complete_rows(changes)
        drained = ids_of(outcomes, rows, _is_drained)
        if verb in _DRAINED:
            self.writer.projections.drain(drained)
        if verb == Verb.REBUILD:
            outcomes = self._delete_snapshots(outcomes, rows)
        for number, phase in enumerate(phases):
            if number:
                self._show(outcomes, phase.task_state)
            outcomes = self._step(outcomes, phase.step, rows)
        self.writer.projections.undrain(drained)
        return self._end(outcomes)

    def _delete_snapshots(self, outcomes: Outcomes, rows: Mapping[str, CompleteServer]) -> Outcomes:
        """Delete the snapshots of servers that get another root disk from all disks."""
        if all(row['snapshots'] == '[]' for row in rows.values()):
            return outcomes
        from .snapshot_writer import without_snapshots

        def power_off(row: CompleteServer) -> None:
            self.writer.machines.of(row).power_off(row)

        delete = without_snapshots(self.host, rows, power_off)
        return self.host.work.then_each(outcomes, lambda change: delete(rows[change.name]))

    def _begin(self, changes: Changes, task_state: TaskState) -> Outcomes:
        def begin(change: Change, row: int) -> None:
            columns = self._columns(change, change.new(Server))
            self.record.writer.update_row('server', row, {**columns, 'task_state': task_state})
            if change.verb == Verb.REBUILD:
                server_rows.renew_disk(self.record, change.new(Server), row)

        return self.record.writer.change(changes, begin)

    def _columns(self, change: Change, server: Server) -> Dict[str, Any]:
        """What is recorded of a server in a state that an action leads to."""
        columns: Dict[str, Any] = {'power': recorded_power(server)}
        if change.verb in (Verb.RESIZE, Verb.CONFIRM_RESIZE, Verb.REVERT_RESIZE):
            before = server.resized_from
            columns['resized_from'] = before and before.recorded()
            columns.update({option: getattr(server, option) for option in _SIZE})
        if change.verb in (Verb.RESCUE, Verb.UNRESCUE):
            image = server.rescue_image
            columns['rescue_image_id'] = image and self.record.find('image', image)
        if change.verb == Verb.REBUILD:
            columns['image_id'] = self.record.find('image', server.image)
            columns['key_name'] = next(iter(server.key_names), None)
            columns.update(user_data=server.user_data, init_script=server.init_script)
            columns['root_password'] = server.root_password
            columns['root_size'] = server_rows.root_size(server)
            columns['init_script_seal'] = init_script_hash(self.record, server.init_script)
        return columns

    def _show(self, outcomes: Outcomes, task_state: TaskState) -> None:
        """Let other runs see how far the servers are."""
        under_way = [outcome.change for outcome in outcomes if not outcome.error]
        if under_way:
            self.record.writer.set(under_way, {'task_state': task_state})

    def _step(self, outcomes: Outcomes, step: Step, rows: Mapping[str, CompleteServer]) -> Outcomes:
        machines = self.writer.machines

        def begin(change: Change) -> None:
            row = rows[change.name]
            machines.of(row).press_power_button(row)

        def apply(change: Change) -> None:
            row = rows[change.name]
            is_forced = step is _shut_down and change.effect == POWER_OFF
            chosen = _power_off if is_forced else step
            chosen(machines.of(row), row)

        if step is _shut_down and len(outcomes) > THREADS:
            # The guests share one timeout, but not all of them have a thread: all begin at once.
            self.host.work.then_each(outcomes, begin)

        return self.host.work.then_each(outcomes, apply)

    def _end(self, outcomes: Outcomes) -> Outcomes:
        """Clear the task states; what failed without an effect is recorded as it was."""
        with self.record.writer.transaction():
            for outcome in outcomes:
                row = self.record.row_of(outcome.change)
                if row is None:
                    continue
                if not outcome.error:
                    self.record.writer.update_row('server', row, {'task_state': None})
                    if outcome.change.verb == Verb.REBUILD:
                        snapshot_rows.delete_snapshots(self.record, row)
                elif _is_undone(outcome.change, outcome.error):
                    columns = self._columns(outcome.change, outcome.change.old(Server))
                    self.record.writer.update_row('server', row, {**columns, 'task_state': None})
            return self.record.writer.end(outcomes)

    def _rename(self, changes: Changes) -> Outcomes:
        """Give servers other names; what is theirs, or in a schedule names them, follows."""

        def rename(change: Change, row: int) -> None:
            name = change.new(Server).name
            columns = {'name': name, 'task_state': TaskState.UPDATING}
            self.record.writer.update_row('server', row, columns)
            self.record.sql.execute(
                'UPDATE main.volume SET name = ? WHERE server_id = ? AND bootable',
                (root_name(name), row),
            )
            self.record.sql.execute(
                "UPDATE main.server_snapshot SET name = ? || substr(name, instr(name, '/')) "
                'WHERE server_id = ?',
                (name, row),
            )
            rename_server(self.record, change.name, name)
            dns_names.check_dns_names(self.record, 'server', [name])

        outcomes = self.record.writer.change(changes, rename)
        self.writer.projections.apply()
        rows = self.writer.rows_named([change.new(Server).name for change in changes])

        def rename_machine(change: Change) -> None:
            server = rows[change.new(Server).name]
            self.writer.machines.of(server).rename(server)

        outcomes = self.host.work.then_each(outcomes, rename_machine)
        return self._end(outcomes)


def _is_drained(change: Change) -> bool:
    """Whether a server is to be drained for its change, or an interrupted run may have done it."""
    if change.old(Server).unfinished:
        return True
    return change.verb in _DRAINED and change.effect != POWER_OFF


def _is_undone(change: Change, error: CloudError) -> bool:
    """Whether an action that failed has changed nothing: guests that do not shut down run on."""
    is_first_attempt = change.old(Server).unfinished is None
    return change.verb in _UNDONE or (is_first_attempt and isinstance(error, TimedOut))
