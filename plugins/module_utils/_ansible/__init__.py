# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The edge: parameters of modules in, results out.

A module comes to its host in a zip file, of which Python compiles each file twice: to find it
(zipimporter.get_filename) and to load it. From here on it is compiled once, on a host of ours even
once for all tasks (code_cache.py): that is a third of what a task costs that changes nothing.
"""

from __future__ import annotations

import gc
import zipimport
from functools import lru_cache

if hasattr(zipimport, '_get_module_code'):
    zipimport._get_module_code = lru_cache(maxsize=None)(zipimport._get_module_code)
    from .code_cache import use_cache

    use_cache()

# What Ansible has imported until now stays: Python need not search it for garbage, as it would do
# several times when the task ends.
gc.freeze()
