# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options that all modules share."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of all modules."""

    DOCUMENTATION = r"""
options:
  cloud:
    description:
      - Name of the cloud. V(local) is the host on which the module runs; it requires C(become).
      - Another name is an entry of C(clouds.yaml), an OpenStack. It requires C(openstacksdk) for
        the interpreter of the module, but no C(become).
      - Defaults to E(HANOK_CLOUD) of the environment in which the module runs, else to V(local).
    type: str
    default: local
  project:
    description:
      - Name of the project. Everything that a module creates belongs to its project, and a module
        sees nothing of other projects. Names are unique within a project.
      - In the cloud V(local) a project exists as soon as something is created in it;
        M(hanok.cloud.project) gives it members, roles and quotas. Projects share
        the host, its ranges of addresses and its floating pools.
      - In an OpenStack, V(default) is the project of the entry of C(clouds.yaml); another one must
        exist, and the user must have a role in it.
      - Defaults to E(HANOK_PROJECT) of the environment in which the module runs, else to
        V(default).
    type: str
    default: default
  actor:
    description:
      - Name of the user who makes the changes; it is recorded with what is created, and decides
        what may be done in a project with members (see M(hanok.cloud.project)).
      - Defaults to the user who called C(sudo), else to the current user.
    type: str
  job:
    description:
      - Id of the AWX job that runs the task. It is kept in the history (see
        M(hanok.cloud.history_info)).
      - AWX has it as the variable C(awx_job_id), which C(module_defaults) of
        C(group/hanok.cloud.all) can pass on.
      - Defaults to E(HANOK_JOB), else to E(JOB_ID), of the environment in which the module runs.
    type: str
  wait:
    description:
      - Whether the task waits, after its changes, until what it manages is ready. That is, until
        the cloud has no task in progress for it, and the condition of O(ignore:wait_for) is met, if
        the module has that option.
      - The changes themselves are not affected. In the cloud V(local) a task ends when they are
        done, such as copied disks, started machines, guests that have shut down and loaded
        firewall rules. Locks of other runs are waited for in any case.
      - Modules that change nothing accept it, so that it can be set for all modules in
        C(module_defaults).
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds to wait for locks of other runs, then for guests to react, then for servers or load
        balancers to become ready.
    type: int
    default: 300
requirements:
  - on the host of the cloud V(local), the packages that the role P(hanok.cloud.host#role) installs
  - for a cloud of C(clouds.yaml), C(openstacksdk) 1.5 or newer
"""
