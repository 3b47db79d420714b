# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The formats of first-boot content (docs.cloud-init.io, "User-data formats")."""

from __future__ import annotations

from typing import Any, List

from .problem import Problem, invalid

# cloud-init recognizes MIME by this header within the first bytes, and other formats by the
# beginning of the text, both case-insensitively, after white space (cloudinit/user_data.py,
# handlers).
_MIME = 'mime-version:'
_MIME_WITHIN = 4096
_CLOUD_CONFIG = '#cloud-config'
_BEGINNINGS = ('#!', _CLOUD_CONFIG, '#cloud-boothook', '#include', '#part-handler', '## template:')
_NOT_MAPPINGS = ('#cloud-config-archive', '#cloud-config-jsonp')  # a list; a patch


def user_data_problems(text: str) -> List[Problem]:
    """Check first-boot content; return the problems."""
    problems = [*_text_problems(text), *_format_problems(text)]
    return [invalid('user_data', problem) for problem in problems]


def _text_problems(text: str) -> List[str]:
    problems = []
    if '\r\n' in text:
        problems.append(
            'it has Windows line endings (CR LF), with which no interpreter would be found; '
            'save it with LF'
        )
    if '\0' in text:
        problems.append('it contains a NUL character; it must be text')
    return problems


def _format_problems(text: str) -> List[str]:
    if _MIME in text[:_MIME_WITHIN].lower():
        return []
    begin = text.lstrip()[:64].lower()
    if begin.startswith('content-type:'):
        return ['cloud-init recognizes MIME only by the header "MIME-Version: 1.0"; add it']
    if not begin.startswith(_BEGINNINGS):
        return [
            'cloud-init does not recognize its format; begin it with #! (a script) or #cloud-config'
        ]
    if begin.startswith('#!') and not text.startswith('#!'):
        return ['white space precedes #!, so that it would not run; begin the text with #!']
    if begin.startswith(_CLOUD_CONFIG) and not begin.startswith(_NOT_MAPPINGS):
        return _cloud_config_problems(text)
    return []


def _cloud_config_problems(text: str) -> List[str]:
    """Check the YAML, which cloud-init ignores completely unless it is a mapping, or empty."""
    try:
        import yaml
    except ImportError:  # not checked without PyYAML, which --diff requires
        return []
    try:
        found: Any = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        # Only the line number: the text may be secret.
        mark = getattr(error, 'problem_mark', None)
        where = '' if mark is None else f' (see line {mark.line + 1})'
        return [f'it is not valid YAML{where}, and cloud-init would ignore all of it']
    if found is not None and not isinstance(found, dict):
        return [
            'its YAML is not a mapping, and cloud-init would ignore all of it; write options, '
            'such as: packages: [nginx]'
        ]
    return []
