"""Start waterfall: when each op of a container start began, and how long it took."""

from collections.abc import Sequence

from labcore.errors import InvalidInput
from labcore.lab.messages import say
from labcore.lab.pictures.folding import folded
from labcore.lab.pictures.fonts import house_style
from labcore.lab.pictures.style import Picture, listed, sentence, sentences
from labcore.lab.pictures.waterfall_chart import ROWS_MAX, Bar, cut, waterfall_chart
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

    Of more ops than there is room for, those that took longest are shown. `timeline` is a process's.
    Raises InvalidInput for an empty one: no plan has started that process.
    """
    if not timeline:
        raise InvalidInput(say("this timeline is empty: only a process that a plan has started has one"))
    end = (timeline[-1].start_us + timeline[-1].duration_us) / 1e3
    heading = say("{title}: {time:.1f} ms", title=title or say("One container start, op by op"), time=end)
    shown, _ = folded(timeline, ROWS_MAX, lambda moment: moment.duration_us)
    if len(shown) < len(timeline):
        heading += say(", the {count} longest of {all} ops", count=len(shown), all=len(timeline))
    drawn = waterfall_chart(
        [_bar(moment) for moment in shown],
        end,
        heading=heading,
        axis=say("milliseconds after clone was called"),
        legend=_legend(shown),
    )
    return Picture(drawn, sentences([sentence(heading), _longest(timeline, end)]), _longest(timeline, end))


def _bar(moment: Moment) -> Bar:
    label = f"{cut(f'{moment.name} {moment.detail}', LABEL_WIDTH)} {moment.index:2}"
    return Bar(label, moment.start_us / 1e3, moment.duration_us / 1e3, _kind(moment)[1])


def _longest(timeline: Sequence[Moment], end: float) -> str:
    """Return where most of the time went, as a sentence."""
    most = sorted(timeline, key=lambda moment: -moment.duration_us)[:LONGEST]
    names = listed(f"{moment.name} {moment.duration_us / end / 10:.0f} %" for moment in most)
    return say("Of {count} ops these took longest: {names} of the whole time.", count=len(timeline), names=names)


def _kind(moment: Moment) -> tuple[str, str]:
    return next(((kind, colour) for kind, (colour, names) in KINDS.items() if moment.name in names), ("other", OTHER))


def _legend(timeline: Sequence[Moment]) -> dict[str, str]:
    words = _words()
    return {colour: words[kind] for kind, colour in dict(_kind(moment) for moment in timeline).items()}


def _words() -> dict[str, str]:
    return {
        "process": say("process"),
        "names": say("names"),
        "mounts": say("mounts"),
        "files": say("files"),
        "protection": say("protection"),
        "other": say("other"),
    }
