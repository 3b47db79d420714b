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
html_theme = 'furo'
html_theme_options = {
    'source_repository': 'https://github.com/hanok/cloud/',
    'top_of_page_buttons': [],  # half of the pages are generated: there is nothing to edit
}
html_static_path = ['static']
html_css_files = ['site.css']
html_js_files = [('replay.js', {'defer': 'defer'})]
html_show_sphinx = False
html_copy_source = False
html_use_index = False

# No intersphinx: it downloads inventories, and a gate that needs the internet fails without it.
extensions = ['myst_parser', 'sphinx_antsibull_ext']
pygments_style = 'ansible'
pygments_dark_style = 'github-dark'
highlight_language = 'YAML+Jinja'
default_role = 'any'
nitpicky = True
# References to Ansible's own documentation, which is not part of the site.
nitpick_ignore_regex = [('envvar', 'ANSIBLE_.*')]
myst_heading_anchors = 4  # anchors of headings, as GitHub generates them
