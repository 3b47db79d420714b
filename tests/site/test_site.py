# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The site that `make site` has built, as a browser shows it: no dead link, nothing too wide."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

SITE = Path(__file__).resolve().parents[2] / 'build' / 'site' / 'html'
PAGES = sorted(str(path.relative_to(SITE)) for path in SITE.rglob('*.html'))
WIDTHS = [1280, 400]  # a screen, a telephone
WIDE = 'wide.html'  # not of the site
TIMEOUT = 300  # seconds for all pages

# A page with a frame in which all pages are shown, one after the other. It reports the pages that
# are wider than the frame, each with what reaches out of it.
LOOKING = """<!DOCTYPE html><iframe id="frame" height="900" style="border: 0"></iframe><script>
const frame = document.getElementById('frame');
const shown = (page) => new Promise((resolve) => { frame.onload = resolve; frame.src = page; });
const look = async (pages, widths) => {
  const found = {looked: 0, wide: []};
  for (const page of pages) {
    await shown('/' + page);
    const root = frame.contentDocument.documentElement;
    found.looked += frame.contentDocument.querySelector('article, [role=main]') ? 1 : 0;
    for (const width of widths) {
      frame.width = width;
      if (root.scrollWidth > width) {
        const wide = [...root.querySelectorAll('article *')].filter(
          (part) => part.getBoundingClientRect().right > width);
        const parts = wide.slice(0, 3).map((part) => part.outerHTML.slice(0, 200));
        found.wide.push([page, width, root.scrollWidth, parts]);
      }
    }
  }
  await fetch('/found', {method: 'POST', body: JSON.stringify(found)});
};
look(PAGES, WIDTHS);
</script>"""


class Links(HTMLParser):
    """The links, images, scripts and styles of a page, and its anchors."""

    def __init__(self) -> None:
        """Begin without any."""
        super().__init__()
        self.links: set[str] = set()
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember what an element refers to, and how it is referred to."""
        for name, value in attrs:
            if name in ('href', 'src') and value:
                self.links.add(value)
            if name == 'id' and value:
                self.anchors.add(value)


class Handler(SimpleHTTPRequestHandler):
    """The site, the page that looks at all others, and what it has found."""

    def __init__(self, found: Queue[dict[str, Any]], *words: Any, **options: Any) -> None:
        """``found``: gets what is reported."""
        self.found = found
        super().__init__(*words, directory=str(SITE), **options)

    def do_GET(self) -> None:
        """Answer with a file, with the page that looks, or with one that is too wide."""
        pages = json.dumps([*PAGES, WIDE])
        texts = {
            '/look': LOOKING.replace('PAGES', pages).replace('WIDTHS', json.dumps(WIDTHS)),
            f'/{WIDE}': '<!DOCTYPE html><article><p style="width: 2000px">wide</p></article>',
        }
        text = texts.get(self.path)
        if text is None:
            super().do_GET()
            return
        self.send_response(200)
        self.send_header('Content-Type', 'text/html')
        self.end_headers()
        self.wfile.write(text.encode())

    def do_POST(self) -> None:
        """Take what was found."""
        size = int(self.headers['Content-Length'])
        self.found.put(json.loads(self.rfile.read(size)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing."""


@pytest.fixture(scope='module')
def pages() -> dict[str, Links]:
    """Return what each page refers to."""
    found = {}
    for page in PAGES:
        found[page] = Links()
        found[page].feed((SITE / page).read_text('utf-8'))
    return found


def dead(page: str, link: str, pages: dict[str, Links]) -> bool:
    """Whether a link leads nowhere. Those to the internet are not followed."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return False
    path = (SITE / page).parent / unquote(parts.path) if parts.path else SITE / page
    if not path.is_file():
        return True
    target = pages.get(str(path.resolve().relative_to(SITE.resolve())))
    return bool(parts.fragment and target and unquote(parts.fragment) not in target.anchors)


def test_no_link_is_dead(pages: dict[str, Links]) -> None:
    """Each link leads to a file of the site, and to an anchor in it."""
    assert len(pages) > 50
    found = {
        page: links
        for page in pages
        if (links := sorted(link for link in pages[page].links if dead(page, link, pages)))
    }
    assert not found


@pytest.mark.parametrize('link', ['none.html', '#none', 'README.html#none', '../site'])
def test_dead_link_is_found(link: str, pages: dict[str, Links]) -> None:
    """A link to a file or an anchor that does not exist is dead."""
    assert dead('index.html', link, pages)


@pytest.fixture
def found(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Return what a browser finds that looks at all pages."""
    queue: Queue[dict[str, Any]] = Queue()
    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(Handler, queue))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    options = [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-dev-shm-usage',
        f'--user-data-dir={tmp_path}',
    ]
    words = ['chromium', *options, f'http://127.0.0.1:{server.server_port}/look']
    with (tmp_path / 'log').open('w') as log:
        browser = subprocess.Popen(words, stdout=log, stderr=log)
        try:
            yield queue.get(timeout=TIMEOUT)
        finally:
            browser.terminate()
            browser.wait()
            server.shutdown()


def test_nothing_is_wider_than_the_page(found: dict[str, Any]) -> None:
    """On a screen and on a telephone: no page has to be moved sideways to be read."""
    assert found['looked'] == len(PAGES) + 1
    assert [one for one in found['wide'] if one[0] != WIDE] == []
    assert [one[:2] for one in found['wide']] == [[WIDE, width] for width in WIDTHS]
