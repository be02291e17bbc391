"""The pictures: what they read of /proc, and that they are drawn whole, in both languages, without a warning."""

import logging
import os
import re
import shlex
import struct
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

import pytest

from labcore import DEVNULL, PIPE, plan, spawn
from labcore.engine import Engine
from labcore.errors import InvalidInput
from labcore.language import language
from labcore.spec import Moment
from tests.conftest import needs_root

pytest.importorskip("matplotlib", reason="needs matplotlib, which is not installed")

import matplotlib
from matplotlib.text import Text

from labcore.lab.pictures import (
    Picture,
    fonts,
    layer_files,
    mountinfo,
    mounts,
    namespaces,
    outline,
    proc,
    processes,
    repositories,
    stack,
    strip,
    style,
    waterfall,
)
from labcore.lab.pictures.layer_files import Entry
from labcore.lab.pictures.process_trees import lines
from labcore.lab.registries import Repository, TaggedImage
from labcore.native import Process

HOST = """\
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
22 27 0:21 / /proc rw shared:12 master:3 - proc proc rw
24 27 0:6 / /dev rw - devtmpfs devtmpfs rw
26 24 0:24 / /dev/pts rw - devpts devpts rw
29 26 0:26 / /dev/pts rw - devpts devpts rw
30 27 0:30 /a /mnt/two\\040words\\134\\011中文 rw - tmpfs none rw
"""
LATER = HOST + "".join(f"{100 + i} 27 7:{i} / /snap/{i:02} ro - squashfs /dev/loop{i} ro\n" for i in range(40))
LATER += "90 27 0:90 / /zz rw - overlay overlay rw\n"
KINDS = ["mount", "sethostname", "mkdir", "capabilities", "execve", "a new op"]
TIMELINE = [
    Moment(0, "clone", "NEWNS NEWPID", 0, 900),
    *(Moment(i, KINDS[i % 6], "proc on /proc " + "x" * 40, 870 + 30 * i, 30) for i in range(1, 32)),
]


# --- what is read


def test_mountinfo_is_parsed_with_its_escapes_and_optional_fields() -> None:
    by_number = {mount.number: mount for mount in mountinfo.parse(HOST)}
    assert by_number[30].values()[1:7] == (27, "0:30", "/a", "/mnt/two words\\\t中文", "tmpfs", "none")
    assert (by_number[22].kind, by_number[22].source) == ("proc", "proc")


@pytest.mark.parametrize("text", ["", "\n", "/proc/self/mountinfo", "1 2 3", HOST.replace(" - ", " ")])
def test_what_is_no_mountinfo_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="mountinfo"):
        mountinfo.parse(text)


def test_mounts_hang_on_their_parents() -> None:
    (root,) = mountinfo.mount_trees(HOST)
    assert [child.point for child in root.children] == ["/dev", "/mnt/two words\\\t中文", "/proc"]
    assert [child.number for child in root.children[0].children] == [26]
    assert [child.number for child in root.children[0].children[0].children] == [29]  # over the other, at the same place
    assert mountinfo.count([root]) == 6


def test_a_mount_that_is_its_own_parent_or_whose_parent_is_unseen_is_a_root() -> None:
    trees = mountinfo.mount_trees("1 1 0:1 / / rw - rootfs rootfs rw\n5 4 0:2 / /x rw - tmpfs none rw\n")
    assert [tree.number for tree in trees] == [1, 5]


def test_long_lists_are_cut_but_not_what_matters() -> None:
    tree = mountinfo.mount_trees(LATER)
    rows = outline.outline(tree, 18, lambda mount: mount.point == "/zz")
    points = [row.node.point for row in rows if row.node]
    assert len(rows) <= 18
    assert "/zz" in points
    assert [row.hidden for row in rows if row.node is None] == [mountinfo.count(tree) - len(points)]


def test_a_tree_that_fits_is_shown_in_full() -> None:
    rows = outline.outline(mountinfo.mount_trees(HOST), 6, lambda mount: False)
    assert [row.depth for row in rows] == [0, 1, 2, 3, 1, 1]
    assert all(row.node for row in rows)


def test_a_tree_that_is_too_deep_ends_early() -> None:
    text = "".join(f"{i} {i - 1} 0:{i} / /{i} rw - tmpfs none rw\n" for i in range(1, 31))
    rows = outline.outline(mountinfo.mount_trees(text), 18, lambda mount: False)
    assert len(rows) == 18
    assert (rows[-1].node, rows[-1].hidden) == (None, 13)


STATUS = "Name:\tsh\nUmask:\t0022\nState:\tS (sleeping)\nPid:\t4711\nPPid:\t4700\nNSpid:\t4711\t17\t1\n"


def test_a_process_has_a_number_in_each_of_its_pid_namespaces() -> None:
    task = proc.parse_status(4711, STATUS)
    assert task == proc.Task(4711, "sh", (4711, 17, 1), 4700)
    assert [task.inside(depth) for depth in (1, 2, 3, 4)] == [4711, 17, 1, None]
    assert proc.parse_status(1, STATUS.replace("S (sleeping)", "Z (zombie)")).ended


def test_only_what_is_in_the_namespace_is_seen_from_inside() -> None:
    child = proc.Task(13, "sleep", (13, 2), 12)
    root = proc.Task(12, "sh", (12, 1), 11, children=(child,))
    rows = outline.outline([proc.Task(11, "python", (11,), 1, children=(root,))], 9, lambda task: False)
    assert [(line.depth, line.number) for line in lines(rows, 1)] == [(0, "11"), (1, "12"), (2, "13")]
    assert [(line.depth, line.number) for line in lines(rows, 2)] == [(0, "1"), (1, "2")]
    assert [line.y for line in lines(rows, 1)][1:] == [line.y for line in lines(rows, 2)]


@pytest.mark.parametrize(
    ("inodes", "groups"),
    [([7, 7], [(0, 1)]), ([7, 8], [(0,), (1,)]), ([7, 8, 7, 8], [(0, 2), (1, 3)]), ([7, 8, 7], [(0, 2), (1,)])],
)
def test_processes_with_one_inode_share(inodes: list[int], groups: list[tuple[int, ...]]) -> None:
    assert proc.groups(inodes) == groups


def test_neighbours_make_a_run() -> None:
    assert proc.runs((0, 1, 3)) == [(0, 1), (3, 3)]


def test_namespaces_are_read() -> None:
    assert proc.namespaces(os.getpid())["mnt"] == os.stat("/proc/self/ns/mnt").st_ino


# --- what cannot be drawn


@pytest.fixture
def ended() -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process


@pytest.mark.parametrize("draw", [lambda p: namespaces(os.getpid(), p), lambda p: mounts(HOST, p), processes])
def test_an_ended_process_is_refused(draw: Callable[[object], Picture], ended: subprocess.Popen[bytes]) -> None:
    for given in (ended, ended.pid):
        with pytest.raises(InvalidInput, match=f"process {ended.pid} has ended"):
            draw(given)


def test_a_process_that_nobody_has_waited_for_has_ended_too() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    try:
        with pytest.raises(InvalidInput, match="has ended"):
            processes(process)
    finally:
        process.wait()


@pytest.mark.parametrize(
    "draw",
    [
        lambda: namespaces(os.getpid()),
        lambda: namespaces(os.getpid(), os.getpid(), labels=["one"]),
        lambda: processes("sh"),  # type: ignore[arg-type]
        lambda: mounts(HOST, HOST, labels=["one"]),
        lambda: stack([]),
        lambda: stack(["/nowhere"]),
        lambda: stack(["/proc/sys/abi"], files=["x"] * 9),
        lambda: repositories(Known([])),
        lambda: strip(11),
        lambda: strip(1, done=[0]),
        lambda: waterfall([]),
    ],
)
def test_what_cannot_be_is_refused(draw: Callable[[], Picture]) -> None:
    with pytest.raises(InvalidInput):
        draw()


class Known:
    """A registry whose contents are known."""

    address = "127.0.0.1:5000"

    def __init__(self, repositories: list[Repository]) -> None:
        self._repositories = repositories

    def contents(self) -> list[Repository]:
        return self._repositories


@pytest.fixture
def layer_directories(tmp_path: Path) -> list[Path]:
    """Three layers, the topmost first: it deletes a file, hides a directory and covers a file of those below."""
    top, middle, low = (tmp_path / name for name in ("top" * 30, "middle", "low"))
    for path, text in {
        low / "etc/motd": "hello\n", low / "etc/issue": "x" * 2_500_000, low / "home/old": "", low / "gone": "here\n",
        middle / "etc/motd": "a long text of\nseveral words 中文\n", top / "etc/motd": "top\n", top / "home/new": "",
    }.items():  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    if os.geteuid() == 0:
        os.mknod(top / "gone", 0o020000, 0)
        os.setxattr(top / "home", "trusted.overlay.opaque", b"y")
    return [top, middle, low]


def test_what_a_layer_holds(layer_directories: list[Path]) -> None:
    needs_root()
    top, middle, low = map(layer_files.entries, layer_directories)
    assert top == {
        "gone": Entry("deleted"), "home/": Entry("opaque"), "home/new": Entry("file"), "etc/motd": Entry("file", "top")
    }  # fmt: skip
    assert middle == {"etc/motd": Entry("file", "a long text of several words 中文")}
    assert low["etc/issue"] == Entry("file", "2.5 MB")


def test_what_is_seen_is_asked_of_the_kernel(layer_directories: list[Path]) -> None:
    needs_root()
    mounts_before = Path("/proc/self/mountinfo").read_text()
    seen = layer_files.seen(layer_directories)
    assert seen == {"etc/", "etc/motd", "etc/issue", "home/", "home/new"}
    assert layer_files.seen(layer_directories[2:]) == {"etc/", "etc/motd", "etc/issue", "home/", "home/old", "gone"}
    assert Path("/proc/self/mountinfo").read_text() == mounts_before


# --- what is drawn


@pytest.fixture(params=["en", "zh"])
def strict(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Each language in turn; a warning is an error, and so is a line in matplotlib's log."""
    if request.param == "zh" and len(fonts.fonts()) == 1:
        pytest.skip("needs a Chinese font (fonts-wqy-zenhei)")
    monkeypatch.setenv("LABCORE_LANG", request.param)
    before = dict(matplotlib.rcParams)
    with warnings.catch_warnings(), caplog.at_level(logging.WARNING):
        warnings.simplefilter("error")
        yield
    assert [record.getMessage() for record in caplog.records] == []
    assert dict(matplotlib.rcParams) == before


@pytest.fixture
def container(tmp_path: Path) -> Iterator[Process | int]:
    """A process in namespaces of its own, with a child; without root, this one."""
    if os.geteuid():
        yield os.getpid()
        return
    Engine(tmp_path).seed("busybox")
    made = plan("busybox", ["sh", "-c", "sleep 5 & cat"], root=tmp_path)
    with spawn(made, stdin=PIPE, stdout=DEVNULL) as process:
        deadline = time.monotonic() + 5
        while len(proc.tree(process.pid).children) < 1 and time.monotonic() < deadline:
            time.sleep(0.01)
        yield process


def look_at(picture: Picture, height: int = 620) -> None:
    """Check the size, the alt text, and that all texts are large enough, inside the picture, and off one another."""
    assert picture.alt.endswith("." if language() == "en" else "。")
    assert language() == "en" or not re.search("[;:.] ", picture.alt), "a Chinese sentence has Chinese punctuation"
    png = picture._repr_png_()
    wide, high = struct.unpack(">II", png[16:24])
    assert wide <= 1000
    assert high <= height
    assert len(png) <= 60 * 1024
    shown = [text for text in picture.figure.findobj(Text) if text.get_text() and text.get_visible()]
    texts = [text for text in shown if text not in beyond_the_axis(picture)]
    assert min(text.get_fontsize() for text in texts) >= 7.5
    with fonts.house_style():
        places = [(text.get_text(), text.get_window_extent().frozen()) for text in texts]
    for text, (x0, y0, x1, y1) in ((text, place.extents) for text, place in places):
        assert (max(0, x0), max(0, y0), min(wide, x1), min(high, y1)) == (x0, y0, x1, y1), text
    for (text, place), (other, where) in combinations(places, 2):
        assert not place.padded(-2).overlaps(where.padded(-2)), (text, other)


def beyond_the_axis(picture: Picture) -> list[Text]:
    """Return the labels that an axis holds ready, but does not draw."""
    (axes,) = picture.figure.axes
    return [label for label in axes.get_xticklabels() if label.get_position()[0] > axes.get_xlim()[1]]


@pytest.mark.usefixtures("strict")
def test_pictures_of_a_live_container(container: Process | int) -> None:
    look_at(namespaces(os.getpid(), container))
    look_at(namespaces(os.getpid(), container, os.getpid(), container, labels=["主机", "container " * 5, "x", "y" * 50]))
    look_at(mounts(os.getpid(), container))
    look_at(processes(container))
    look_at(processes(os.getpid()))


def test_pictures_say_what_they_show(container: Process | int) -> None:
    assert "Done: 1, 2." in strip(3, done=[1, 2]).alt
    assert "only there: /snap/00 (squashfs)" in mounts(HOST, LATER).alt
    assert "clone 4" in waterfall(TIMELINE).alt
    shared = namespaces(os.getpid(), os.getpid(), labels=["a", "b"]).alt
    assert shared.startswith("Namespaces mnt, pid, uts, ipc, net, cgroup, user, time: shared by a and b.")
    known = Repository("cafe", (TaggedImage(f"sha256:{7:064x}", ("v1",), (f"sha256:{8:064x}",)),))
    assert repositories(Known([known])).alt == "cafe: v1 leads to image 00000000 with the layers 00000000."
    if os.geteuid() == 0:
        assert "sleep, outside " in processes(container).alt
        own = namespaces(1, container, labels=["host", "box"]).alt
        assert "host has the machine's, box has its own" in own


@pytest.mark.usefixtures("strict")
def test_pictures_of_what_is_known() -> None:
    look_at(mounts(HOST, LATER, labels=["之前 before " * 9, "after"]))
    look_at(strip(4, done=[1, 2, 3]), height=90)
    look_at(strip(9, done=range(1, 9)), height=90)
    look_at(waterfall(TIMELINE, title="$一次$ start"), height=660)


@pytest.mark.usefixtures("strict")
def test_pictures_of_layers(layer_directories: list[Path]) -> None:
    needs_root()
    look_at(stack(layer_directories))
    look_at(stack(layer_directories[1:], upper=layer_directories[0]))
    look_at(stack(layer_directories, files=["/etc/motd", "gone", "home/", "a/path/that/is/long/indeed", "b", "c", "d", "e"]))
    look_at(stack(layer_directories[2:], files=["etc/motd"]))


def test_a_directory_that_hides_those_below_is_seen_with_what_is_in_it(layer_directories: list[Path]) -> None:
    needs_root()
    top = layer_directories[0]
    for inside in ("1 inside", "empty"):
        texts = [text.get_text() for text in stack(layer_directories, files=["home/"]).figure.findobj(Text)]
        assert {inside, "✗ all"} <= set(texts)
        (top / "home/new").unlink(missing_ok=True)


@pytest.mark.usefixtures("strict")
def test_pictures_of_a_registry() -> None:
    layers = tuple(f"sha256:{number:064x}" for number in range(1 << 60, (1 << 60) + 9))
    cafe = [
        TaggedImage(f"sha256:{number:064x}", tags, layers[: number + 1])
        for number, tags in enumerate(((), ("v1",), ("v2", "latest")))
    ]
    long = TaggedImage(f"sha256:{7:064x}", ("a-tag-that-is-very-long", "中文", "x", "y"), layers)
    look_at(repositories(Known([Repository("cafe", tuple(cafe)), Repository("team/" * 30 + "app", (long,))])))
    look_at(repositories(Known([Repository("busybox", (long,))])))


@pytest.mark.usefixtures("strict")
def test_many_and_deep_processes_have_room() -> None:
    script = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 5 & done; wait"
    for _ in range(3):
        script = f"sh -c {shlex.quote(script)} & wait"
    process = subprocess.Popen(["sh", "-c", script], start_new_session=True)
    try:
        time.sleep(0.2)
        look_at(processes(process))
    finally:
        os.killpg(process.pid, 9)
        process.wait()


def test_a_text_is_shortened_in_its_middle() -> None:
    assert style.shorten("/sys/fs/cgroup", 14) == "/sys/fs/cgroup"
    assert style.shorten("/sys/fs/cgroup/memory", 12) == "/sys/…emory"
    assert style.cells(style.shorten("中文目录很长很长", 9)) <= 9
