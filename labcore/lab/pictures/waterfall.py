"""Start waterfall: when each op of a container start began, and how long it took."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from labcore.errors import InvalidInput
from labcore.lab.messages import say
from labcore.lab.pictures.fonts import fonts, house_style
from labcore.lab.pictures.style import (
    NORMAL,
    SMALL,
    TITLE,
    WIDTH,
    Picture,
    duration,
    emphasis,
    figure,
    listed,
    sentence,
    sentences,
    write,
)
from labcore.spec import Moment

# Okabe and Ito's colours, by what an op works on.
KINDS = {
    "process": (
        "#D55E00",
        {
            "join",
            "cgroup",
            "clone",
            "setsid",
            "umask",
            "close_range",
            "death signal",
            "sync",
            "await start",
            "rlimits",
            "terminal",
            "execve",
        },
    ),
    "names": ("#CC79A7", {"sethostname", "domainname", "sysctl", "link up"}),
    "mounts": ("#0072B2", {"mount", "umount2", "pivot_root", "chdir", "mount_setattr", "open_tree", "move_mount"}),
    "files": ("#009E73", {"mkdir", "touch", "mknod", "symlink", "write", "exec fifo"}),
    "protection": (
        "#E69F00",
        {
            "mask",
            "read-only",
            "bounding set",
            "capabilities",
            "keep capabilities",
            "setresuid",
            "no new privileges",
            "seccomp",
            "keyring",
        },
    ),
}
OTHER = "#999999"
LABEL_WIDTH = 44
LONGEST = 4  # of the ops: they are named below


@house_style()
def waterfall(timeline: Sequence[Moment], *, title: str | None = None) -> Picture:
    """Draw when each op of a start began and how long it took, from the call of clone to the program's first instruction.

    `timeline` is a process's. Raises InvalidInput for an empty one: no plan has started that process.
    """
    if not timeline:
        raise InvalidInput(say("this timeline is empty: only a process that a plan has started has one"))
    drawn, axes = figure(WIDTH, 0.15 * len(timeline) + 1.1)
    end = (timeline[-1].start_us + timeline[-1].duration_us) / 1e3
    _bars(axes, timeline, end)
    axes.set_yticks(range(len(timeline)), [_label(moment) for moment in timeline], size=SMALL, family=fonts(mono=True))
    axes.set_ylim(len(timeline) - 0.4, -0.6)
    axes.set_xlim(0, end * 1.12)
    axes.tick_params(axis="x", labelsize=SMALL)
    axes.set_xlabel(say("milliseconds after clone was called"), size=NORMAL)
    heading = say("{title}: {time:.1f} ms", title=title or say("One container start, op by op"), time=end)
    axes.set_title(heading, loc="left", size=TITLE, **emphasis(heading, TITLE))
    _legend(axes, timeline)
    return Picture(drawn, sentences([sentence(heading), _longest(timeline, end)]), _longest(timeline, end))


def _longest(timeline: Sequence[Moment], end: float) -> str:
    """Return where most of the time went, as a sentence."""
    most = sorted(timeline, key=lambda moment: -moment.duration_us)[:LONGEST]
    names = listed(f"{moment.name} {moment.duration_us / end / 10:.0f} %" for moment in most)
    return say("Of {count} ops these took longest: {names} of the whole time.", count=len(timeline), names=names)


def _bars(axes: Axes, timeline: Sequence[Moment], end: float) -> None:
    widths = [max(moment.duration_us / 1e3, end / 400) for moment in timeline]  # even the shortest is to be seen
    colours = [_kind(moment)[1] for moment in timeline]
    axes.barh(range(len(timeline)), widths, left=[moment.start_us / 1e3 for moment in timeline], color=colours)
    for row, moment in enumerate(timeline):
        if (took := moment.duration_us / 1e3) > end / 50:
            write(axes, moment.start_us / 1e3 + took + end / 150, row, duration(took), size=SMALL)


def _label(moment: Moment) -> str:
    text = f"{moment.name} {moment.detail}"
    shown = text if len(text) <= LABEL_WIDTH else text[: LABEL_WIDTH - 1] + "…"
    return f"{shown:{LABEL_WIDTH}} {moment.index:2}"


def _kind(moment: Moment) -> tuple[str, str]:
    return next(((kind, colour) for kind, (colour, names) in KINDS.items() if moment.name in names), ("other", OTHER))


def _legend(axes: Axes, timeline: Sequence[Moment]) -> None:
    words = _words()
    kinds = dict(_kind(moment) for moment in timeline)
    handles = [Patch(color=colour, label=words[kind]) for kind, colour in kinds.items()]
    axes.legend(handles=handles, frameon=False, fontsize=SMALL, loc="best")  # mostly the upper right


def _words() -> dict[str, str]:
    return {
        "process": say("process"),
        "names": say("names"),
        "mounts": say("mounts"),
        "files": say("files"),
        "protection": say("protection"),
        "other": say("other"),
    }
