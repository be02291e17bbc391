"""Open lessons in JupyterLab in headless Chromium, one after the other: run all cells, use the widget, and look.

    python browse_lessons.py DIRECTORY

Reads a line of JSON for each lesson, its `url` and its `name`, and prints one: the `problems` that were seen, and how many
`seconds` after the page was asked for its first cell had run. A problem is an error of the page, an output that is an error
or on stderr, one that is wider or higher than the screen, a line that ends within a word, a cell that has not run, a widget
that does not answer, and a word of a Dockerfile that is not marked in its tree.
Screenshots of the whole lesson, one below the other, go to DIRECTORY.
"""

import base64
import json
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

from playwright.sync_api import BrowserContext, Error, Page, sync_playwright

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
WIDTH, HEIGHT = 1280, 900
READY_SECONDS = 300  # until the notebook and its kernel are there
RUN_SECONDS = 600  # for all cells
WIDGET_SECONDS = 200  # for a container, where all else is started at the same time
POLL_MS = 300
KERNEL_IS_READY = ".jp-Notebook-ExecutionIndicator[data-status=idle]"
# The page calls a kernel idle before it is connected to it, and what is run then is never executed. The server knows better.
CONNECTED = """async path => {
  const sessions = await (await fetch('/api/sessions')).json();
  return sessions.some(s => s.path === path && s.kernel.connections > 0 && s.kernel.execution_state === 'idle');
}"""

# A browser without a GPU draws what moves while one waits, the splash above all, with half a processor.
NOTHING_MOVES = """addEventListener('DOMContentLoaded', () => {
  const style = document.createElement('style');
  style.textContent = '*, *::before, *::after { animation: none !important; transition: none !important }';
  document.head.append(style);
})"""
COUNTS = """() => {
  const cells = [...document.querySelectorAll('.jp-Notebook .jp-CodeCell')];
  const prompt = cell => cell.querySelector('.jp-InputPrompt')?.textContent ?? '';
  const done = cells.filter(cell => /\\[\\d+\\]/.test(prompt(cell))).length;
  return {done, left: cells.length - done};
}"""
PROBLEMS = (
    """() => [...document.querySelectorAll('[data-mime-type*="stderr"], [data-mime-type*="error"]')].map(n => n.textContent)"""
)
TOO_LARGE = """([width, height]) => [...document.querySelectorAll('.jp-OutputArea-output')]
  .filter(n => n.scrollWidth > n.clientWidth + 4 || n.getBoundingClientRect().height > height ||
    [...n.querySelectorAll('img')].some(i => i.getBoundingClientRect().right > n.getBoundingClientRect().right + 4))
  .map(n => n.getBoundingClientRect().height + ' ' + n.textContent.slice(0, 80))"""

BREAKS_WORDS = """() => [...document.querySelectorAll('.jp-OutputArea-output pre')]
  .filter(n => getComputedStyle(n).wordBreak !== 'normal').map(n => n.textContent.slice(0, 80))"""


def main(directory: str) -> None:
    """Serve requests until there are no more."""
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as profile:
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path="/usr/bin/chromium", args=FLAGS, viewport={"width": WIDTH, "height": HEIGHT}
        )
        context.set_default_timeout(READY_SECONDS * 1000)
        context.add_init_script(NOTHING_MOVES)
        for request in map(json.loads, sys.stdin):
            print(json.dumps(visit(context, request["url"], Path(directory, request["name"]))), flush=True)
        context.close()


def visit(context: BrowserContext, url: str, pictures: Path) -> dict[str, object]:
    """Open a lesson, run it, look; return what is to be said of it."""
    errors: list[str] = []
    seconds = 0.0
    with context.new_page() as page:
        page.on("pageerror", lambda error: errors.append(f"page error: {error}"))
        started = time.monotonic()
        try:
            page.goto(url + "&reset")  # no tabs of an earlier visit
            page.wait_for_selector(".jp-Notebook .jp-CodeCell")
            page.wait_for_function(CONNECTED, arg=_path(url), polling=500)
            page.wait_for_selector(KERNEL_IS_READY)
            seconds = _run_all(page, started)
            errors += [] if _widget_answers(page) else ["the widget does not answer"]
            errors += [] if _pointing_is_answered(page) else ["a word that is pointed at is not marked on the other side"]
            errors += [f"output: {text}" for text in page.evaluate(PROBLEMS)]
            errors += [f"too large: {text}" for text in page.evaluate(TOO_LARGE, [WIDTH, HEIGHT])]
            errors += [f"long lines end within a word: {text}" for text in page.evaluate(BREAKS_WORDS)]
            _photograph(page, pictures)
        except Error as error:
            errors.append(str(error))
            with suppress(Error):  # the page may be gone
                errors.append(f"cells: {page.evaluate(COUNTS)}")
                page.screenshot(path=f"{pictures}-failed.png")
    return {"problems": errors, "seconds": round(seconds, 1)}


def _path(url: str) -> str:
    """Return the notebook that a URL of JupyterLab opens, as its server names it."""
    return unquote(urlsplit(url).path).partition("/lab/tree/")[2]


def _menu(page: Page, menu: str, item: str) -> None:
    page.get_by_role("menuitem", name=menu, exact=True).first.click()
    page.get_by_role("menuitem", name=item, exact=True).click()
    page.mouse.move(WIDTH / 2, HEIGHT / 2)


def _run_all(page: Page, started: float) -> float:
    """Run all cells; return after how many seconds the first one had run."""
    page.locator(".jp-Notebook .jp-Cell").first.click()
    _menu(page, "Run", "Run All Cells")
    page.wait_for_function(f"({COUNTS})().done", timeout=RUN_SECONDS * 1000, polling=POLL_MS)
    first = time.monotonic() - started
    page.wait_for_function(f"(({COUNTS})()).left === 0", timeout=RUN_SECONDS * 1000, polling=POLL_MS)
    page.wait_for_timeout(500)
    return first


def _widget_answers(page: Page) -> bool:
    """Take the tick off the second line of the plan, start it, and see whether the result changes."""
    boxes = page.locator(".jp-OutputArea-output .widget-checkbox input")
    if not boxes.count():
        return True
    result = page.locator(".jp-OutputArea-output .widget-html pre").last
    before = result.inner_text()
    boxes.nth(1).uncheck()
    page.locator(".widget-vbox:has(> .widget-checkbox) button.jupyter-button").first.click()
    for _ in range(WIDGET_SECONDS * 1000 // POLL_MS):
        page.wait_for_timeout(POLL_MS)
        if result.inner_text() != before:
            return True
    return False


def _pointing_is_answered(page: Page) -> bool:
    """Point at the first word of a Dockerfile beside its tree, and see whether it is marked there, too."""
    words = page.locator("[class^='df-']", has_text="Dockerfile").first.locator(".n0w0")
    if not words.count():
        return True
    words.first.hover()
    return bool(words.last.evaluate("n => getComputedStyle(n).backgroundColor") != "rgba(0, 0, 0, 0)")


def _photograph(page: Page, pictures: Path) -> None:
    """Take pictures of the whole notebook, a screen each; as JPEG, which costs a browser without a GPU a third of a PNG."""
    page.get_by_role("menuitem", name="View", exact=True).first.click()
    page.keyboard.press("Escape")
    scroller = page.locator(".jp-WindowedPanel-outer").first
    height = scroller.evaluate("n => n.clientHeight")
    total = scroller.evaluate("n => n.scrollHeight")
    camera = page.context.new_cdp_session(page)
    for number, top in enumerate(range(0, total, height - 40)):
        scroller.evaluate("(n, top) => n.scrollTo({top, behavior: 'instant'})", top)
        page.wait_for_timeout(150)
        taken = camera.send("Page.captureScreenshot", {"format": "jpeg", "quality": 80, "optimizeForSpeed": True})
        Path(f"{pictures}-{number:02}.jpg").write_bytes(base64.b64decode(taken["data"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
