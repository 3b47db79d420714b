# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A module that does nothing: the cost of every task, whatever its module does."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule

if __name__ == '__main__':
    AnsibleModule(argument_spec={}, supports_check_mode=True).exit_json(changed=False)
