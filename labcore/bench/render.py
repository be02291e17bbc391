"""Rendering of a benchmark's result: table and plot."""

from pathlib import Path

from labcore.bench.measure import Result, Row

TYPE_CHECKING = False  # matplotlib comes with the lab, and a table needs none
if TYPE_CHECKING:
    from matplotlib.axes import Axes

OURS, PEER, BASE = "#0072B2", "#999999", "#009E73"  # told apart in print and by colour-blind readers (Okabe and Ito)


def table(rows: list[Row], baseline: str) -> str:
    """Return the rows as a table, each as a multiple of the baseline: by rounds, or where there are none by the medians."""
    base = next(row.median_ms for row in rows if row.subject == baseline)
    width = max(len(row.subject) for row in rows)
    lines = [f"{'':{width}} {'n':>5} {'median ms':>10} {'p05':>8} {'p95':>8} {'ratio':>7}"]
    for row in rows:
        ratio = row.median_ms / base if row.ratio is None else row.ratio
        figures = f"{row.n:5} {row.median_ms:10.2f} {row.p05_ms:8.2f} {row.p95_ms:8.2f} {ratio:6.2f}x"
        lines.append(f"{row.subject:{width}} {figures}")
    return "\n".join(lines)


FAR_APART = 20  # times the smallest: then bars of true length would hide it, and the scale is logarithmic


def plot(results: list[Result], path: Path) -> None:
    """Draw the rows as bars from the fastest to the slowest, 5th to 95th percentile marked."""
    from matplotlib.figure import Figure  # which comes with the lab

    heights = [0.45 * len(result.rows) + 1.3 for result in results]
    figure = Figure(figsize=(9, sum(heights)), layout="constrained")
    pictures = figure.subplots(len(results), squeeze=False, height_ratios=heights)
    for result, axes in zip(results, pictures[:, 0], strict=True):
        _bars(result, axes)
    figure.savefig(path, dpi=150)


def _shown(milliseconds: float) -> str:
    return f"{milliseconds:.3g} ms" if milliseconds < 1000 else f"{milliseconds / 1e3:.2f} s"


def _bars(result: Result, axes: "Axes") -> None:
    rows, baseline = result.rows, result.baseline
    ordered = sorted(rows, key=lambda row: row.median_ms, reverse=True)
    colours = [BASE if r.subject == baseline else OURS if "labcore" in r.subject else PEER for r in ordered]
    medians = [row.median_ms for row in ordered]
    spread = [[r.median_ms - r.p05_ms for r in ordered], [r.p95_ms - r.median_ms for r in ordered]]
    axes.barh([row.subject for row in ordered], medians, color=colours, xerr=spread, ecolor="#333333", capsize=3)
    for position, row in enumerate(ordered):
        axes.annotate(
            _shown(row.median_ms), (row.p95_ms, position), (8, 0), textcoords="offset points", va="center", fontsize=9
        )
    most = max(row.p95_ms for row in rows)
    if most > FAR_APART * min(row.median_ms for row in rows):
        axes.set_xscale("log")
        axes.set_xlim(right=most * 3)
    else:
        axes.set_xlim(0, most * 1.2)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("milliseconds (median; whiskers: 5th to 95th percentile)")
    axes.set_title(result.title[0].upper() + result.title[1:], loc="left", fontweight="bold")
    axes.spines[["top", "right"]].set_visible(False)
