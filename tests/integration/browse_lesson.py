"""Open a lesson in JupyterLab in headless Chromium, run all its cells, use its widget, and look.

    python browse_lesson.py URL DIRECTORY NAME

Fails on a page error, on an output that is an error or on stderr, on one that is wider or higher than the screen, on a cell
that has not run, and if the widget does not answer. Screenshots of the whole lesson, one below the other, go to DIRECTORY.
Prints how many seconds after the page was asked for the first cell had run.
"""

import sys
import tempfile
import time

from playwright.sync_api import Page, sync_playwright

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
WIDTH, HEIGHT = 1280, 900

COUNTS = """() => {
  const cells = [...document.querySelectorAll('.jp-Notebook .jp-CodeCell')];
  const prompt = cell => cell.querySelector('.jp-InputPrompt')?.textContent ?? '';
  return {cells: cells.length, done: cells.filter(cell => /\\[\\d+\\]/.test(prompt(cell))).length};
}"""
PROBLEMS = (
    """() => [...document.querySelectorAll('[data-mime-type*="stderr"], [data-mime-type*="error"]')].map(n => n.textContent)"""
)
TOO_LARGE = """([width, height]) => [...document.querySelectorAll('.jp-OutputArea-output')]
  .filter(n => n.scrollWidth > n.clientWidth + 4 || n.getBoundingClientRect().height > height)
  .map(n => n.getBoundingClientRect().height + ' ' + n.textContent.slice(0, 80))"""


def main(url: str, directory: str, name: str) -> None:
    """Open, run, look."""
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as profile:
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path="/usr/bin/chromium", args=FLAGS, viewport={"width": WIDTH, "height": HEIGHT}
        )
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        started = time.monotonic()
        page.goto(url + "&reset")  # no tabs of an earlier visit
        page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
        _run_all(page, started)
        silent = [] if _widget_answers(page) else ["the widget does not answer"]
        problems = page.evaluate(PROBLEMS)
        large = page.evaluate(TOO_LARGE, [WIDTH, HEIGHT])
        _photograph(page, f"{directory}/{name}")
        context.close()
    if errors or problems or large or silent:
        sys.exit(f"page errors: {errors}\noutputs: {problems}\ntoo large: {large}\n{silent}")


def _menu(page: Page, menu: str, item: str) -> None:
    page.get_by_role("menuitem", name=menu, exact=True).first.click()
    page.get_by_role("menuitem", name=item, exact=True).click()
    page.mouse.move(WIDTH / 2, HEIGHT / 2)


def _run_all(page: Page, started: float) -> None:
    page.locator(".jp-Notebook .jp-Cell").first.click()
    _menu(page, "Run", "Run All Cells")
    first = 0.0
    for _ in range(600):
        page.wait_for_timeout(100)
        counts = page.evaluate(COUNTS)
        if counts["done"] and not first:
            first = time.monotonic() - started
            print(f"{first:.1f}")
        if counts["cells"] and counts["cells"] == counts["done"]:
            page.wait_for_timeout(500)
            return
    sys.exit(f"not all cells have run: {counts}")


def _widget_answers(page: Page) -> bool:
    """Take the tick off the second line of the plan, start it, and see whether the result changes."""
    boxes = page.locator(".jp-OutputArea-output .widget-checkbox input")
    if not boxes.count():
        return True
    result = page.locator(".jp-OutputArea-output .widget-html pre").last
    before = result.inner_text()
    boxes.nth(1).uncheck()
    page.locator(".jp-OutputArea-output button.jupyter-button").first.click()
    for _ in range(100):
        page.wait_for_timeout(100)
        if result.inner_text() != before:
            return True
    return False


def _photograph(page: Page, name: str) -> None:
    """Take pictures of the whole notebook, a screen each."""
    page.get_by_role("menuitem", name="View", exact=True).first.click()
    page.keyboard.press("Escape")
    scroller = page.locator(".jp-WindowedPanel-outer").first
    height = scroller.evaluate("n => n.clientHeight")
    total = scroller.evaluate("n => n.scrollHeight")
    for number, top in enumerate(range(0, total, height - 40)):
        scroller.evaluate("(n, top) => n.scrollTo({top, behavior: 'instant'})", top)
        page.wait_for_timeout(150)
        page.screenshot(path=f"{name}-{number:02}.png")


if __name__ == "__main__":
    main(*sys.argv[1:])
