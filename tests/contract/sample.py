# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The tests that run on an OpenStack in make test: one of each kind of promise. make soak runs all.

An OpenStack answers a request in some 50 ms of CPU time, and a test makes hundreds of them.
"""

from __future__ import annotations

SAMPLE = (
    'test_at_once.py::test_created_at_once[network]',
    'test_console.py::test_end_of_console',
    'test_errors.py::test_invalid',
    'test_errors.py::test_refused_and_missing',
    'test_foreign.py::test_double_name[network-server-options0]',
    'test_identity.py::test_created_again[image]',
    'test_identity.py::test_created_again[volume]',
    'test_limits.py::test_servers_of_a_group_count_together[vcpus-3 servers need 3 vCPUs]',
    'test_requests.py::test_killed[security_group-True]',
    'test_requests.py::test_lost_answer[server]',
    'test_requests.py::test_number_of_requests',
    'test_security_groups.py::test_foreign_rule',
    'test_server_actions.py::test_root_volume',
    'test_servers.py::test_server',
    'test_sign_in.py::',
)


def is_in_sample(node: str) -> bool:
    """Whether a test is in the sample, by its path in pytest."""
    name = node.rpartition('/')[2]
    return any(name == one or (one.endswith('::') and name.startswith(one)) for one in SAMPLE)
