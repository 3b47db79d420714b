# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sphinx configuration of the site.

It consists of the documents of this repository, and of the reference of modules and roles that
antsibull-docs generates.
"""

from __future__ import annotations

project = 'hanok.cloud'
copyright = 'Hanok developers'
html_title = html_short_title = 'hanok.cloud'
html_theme = 'alabaster'
html_theme_options = {'page_width': '1200px', 'sidebar_width': '260px', 'fixed_sidebar': True}
html_show_sphinx = False
html_copy_source = False
html_use_index = False

# No intersphinx: it downloads inventories, and a gate that needs the internet fails without it.
extensions = ['myst_parser', 'sphinx_antsibull_ext']
pygments_style = 'ansible'
highlight_language = 'YAML+Jinja'
default_role = 'any'
nitpicky = True
# References to Ansible's own documentation, which is not part of the site.
nitpick_ignore_regex = [('envvar', 'ANSIBLE_.*')]
myst_heading_anchors = 4  # anchors of headings, as GitHub generates them
