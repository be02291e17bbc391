"""Open a lesson in JupyterLab in headless Chromium and run all its cells.

    python browse_lesson.py URL DIRECTORY

Fails on a page error, on a cell with an error or with output on stderr, and if a cell has not run. Screenshots go to DIRECTORY.
"""

import sys
import tempfile

from playwright.sync_api import Page, sync_playwright

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip

COUNTS = """() => {
  const cells = [...document.querySelectorAll('.jp-Notebook .jp-CodeCell')];
  const prompt = cell => cell.querySelector('.jp-InputPrompt')?.textContent ?? '';
  return {cells: cells.length, done: cells.filter(cell => /\\[\\d+\\]/.test(prompt(cell))).length};
}"""
PROBLEMS = (
    """() => [...document.querySelectorAll('[data-mime-type*="stderr"], [data-mime-type*="error"]')].map(n => n.textContent)"""
)
WIDTHS = """() => [...document.querySelectorAll('.jp-OutputArea-output')].filter(n => n.scrollWidth > n.clientWidth + 4)
  .map(n => n.textContent.slice(0, 80))"""


def main(url: str, directory: str) -> None:
    """Open, run, look."""
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as profile:
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path="/usr/bin/chromium", args=FLAGS, viewport={"width": 1280, "height": 900}
        )
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(url)
        page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
        _run_all(page)
        problems = page.evaluate(PROBLEMS)
        page.locator(".jp-Notebook .jp-Cell").first.scroll_into_view_if_needed()
        page.wait_for_timeout(300)
        page.screenshot(path=f"{directory}/lesson-01-top.png")
        page.locator(".jp-OutputArea-output img").last.scroll_into_view_if_needed()
        page.screenshot(path=f"{directory}/lesson-01-waterfall.png")
        wide = page.evaluate(WIDTHS)
        page.locator(".jp-OutputArea-output pre", has_text="carrier:").last.scroll_into_view_if_needed()
        page.screenshot(path=f"{directory}/lesson-01-plan.png")
        context.close()
    if errors or problems or wide:
        sys.exit(f"page errors: {errors}\noutputs: {problems}\ntoo wide: {wide}")


def _run_all(page: Page) -> None:
    page.locator(".jp-Notebook .jp-Cell").first.click()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.mouse.move(640, 450)
    for _ in range(120):
        page.wait_for_timeout(500)
        page.keyboard.press("Escape")
        page.locator(".jp-Notebook .jp-Cell").last.scroll_into_view_if_needed()
        counts = page.evaluate(COUNTS)
        if counts["cells"] and counts["cells"] == counts["done"] and page.locator(".jp-OutputArea-output img").count():
            return
    sys.exit(f"not all cells have run: {counts}")


if __name__ == "__main__":
    main(*sys.argv[1:])
