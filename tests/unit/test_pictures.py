"""The pictures: what they read of /proc, and that they are drawn whole, in both languages, without a warning."""

import logging
import os
import re
import shlex
import socket
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
from labcore.engine.container.lifecycle import TABLE
from labcore.errors import InvalidInput
from labcore.language import language
from labcore.spec import Moment
from labcore.spec.network import PortBinding
from tests.conftest import needs_root
from tests.daemon import running_daemon

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
from labcore.lab.pictures.architectures import draw as draw_daemon
from labcore.lab.pictures.daemon_state import ContainerSeen, DaemonState, Door, JobSeen, state_of
from labcore.lab.pictures.layer_files import Entry
from labcore.lab.pictures.life_cycles import PLACES, ROUTES, Life, edges, life_cycle
from labcore.lab.pictures.net_layout import Nat, layout
from labcore.lab.pictures.net_namespaces import Interface, Namespace, Way
from labcore.lab.pictures.networks import draw as draw_network
from labcore.lab.pictures.origins import Origins, Strip
from labcore.lab.pictures.origins import draw as draw_origins
from labcore.lab.pictures.packet_trace import Sighting, Trace, parse_syn
from labcore.lab.pictures.packets import draw as draw_packet
from labcore.lab.pictures.packets import steps
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
    made = plan("busybox", ["sh", "-c", "sleep 100 & cat"], root=tmp_path)
    with spawn(made, stdin=PIPE, stdout=DEVNULL) as process:
        deadline = time.monotonic() + 60
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
    look_at(waterfall(TIMELINE, title="$一次$ start"), height=680)


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
@pytest.mark.parametrize("count", [0, 1, 30])
def test_pictures_of_a_dockerfile_and_what_came_of_it(count: int) -> None:
    lines = tuple(f"RUN {'a very long line ' * number}" for number in range(count))
    layers = (Strip("FROM", 2_000_000, is_base=True), *(Strip("ENTRYPOINT", number, is_base=False) for number in range(count)))
    containers = tuple((f"container-{'x' * number}", "running") for number in range(count))
    look_at(draw_origins(Origins(lines, "a/name/that/is/long:1.0", f"sha256:{7:064x}", layers, "sh -c '中文'" * 3, containers)))


def seen_daemon(containers: int, jobs: int, parent: int = 88) -> DaemonState:
    """Return a daemon that is made up."""
    running = tuple(
        JobSeen(str(number), f"POST /containers/{{name}}/{'x' * number}", "docker", number) for number in range(jobs)
    )
    return DaemonState(
        pid=88,
        threads=12,
        doors=(Door("/var/lib/labcore/lessons/lab/daemon/labcore.sock", 3), Door("127.0.0.1:2375", 0)),
        jobs=running,
        done=13,
        last=("GET /containers/json",),
        containers=tuple(
            ContainerSeen("ab" * 9 * number, "busybox", number, "sleep" * 3, number, parent, 3, "172.17.0.254")
            for number in range(1, containers + 1)
        ),
        bridges=("lc-24df086887a1", "docker0"),
    )


@pytest.mark.usefixtures("strict")
@pytest.mark.parametrize(("containers", "jobs"), [(0, 0), (1, 1), (9, 9)])
def test_pictures_of_a_daemon(containers: int, jobs: int) -> None:
    for parent in (88, 1):
        look_at(draw_daemon(seen_daemon(containers, jobs, parent)), height=760)


def test_the_picture_of_a_live_daemon_has_its_sockets_jobs_and_containers(tmp_path: Path) -> None:
    needs_root()
    with running_daemon(tmp_path / "root") as daemon, socket.socket(socket.AF_UNIX) as asking:
        made = daemon.client.containers.run("busybox", ["sleep", "100"], detach=True, network_mode="none")
        asking.connect(str(daemon.socket))
        asking.sendall(b"GET /events HTTP/1.1\r\nHost: docker\r\n\r\n")
        asking.recv(1)
        state = state_of(daemon)
        assert (daemon.socket, os.getpid()) == (Path(state.doors[0].address), state.jobs[0].pid)
        assert state.doors[0].connections >= 1
        assert [job.kind for job in state.jobs] == ["GET /events"]
        (found,) = state.containers
        made.reload()
        assert (found.name, found.pid, found.layers) == (made.name, made.attrs["State"]["Pid"], 1)
        assert found.monitor_parent == daemon.pid


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


# --- network namespaces


def made_up(containers: int, networks: int, *, ipv6: bool = False) -> list[Namespace]:
    """Return a host with bridges, and containers that each are on all of them."""
    loopback = Interface(1, "lo", "", "", True, ("127.0.0.1/8", "::1/128"))
    bridges = [
        Interface(10 + n, f"lc-{n:012x}", "bridge", f"02:42:0a:{n:02x}:00:01", True, addresses(n, 1, ipv6=ipv6))
        for n in range(networks)
    ]
    ports, others = [], []
    for place in range(1, containers + 1):
        inside = []
        for n in range(networks):
            index = 100 * place + n
            mac, is_up = f"02:42:0a:{n:02x}:00:{place + 1:02x}", (place, n) != (1, 0)
            ports.append(
                Interface(
                    index, f"veth{index:011x}", "veth", f"ee:00:00:00:{place:02x}:{n:02x}", True, (), 10 + n, (place, 2 + n)
                )
            )
            inside.append(Interface(2 + n, f"eth{n}", "veth", mac, is_up, addresses(n, place + 1, ipv6=ipv6), 0, (0, index)))
        ways = (Way("", "10.0.0.1", "eth0"),) if place < 3 else ()
        others.append(Namespace("容器 container " * place, 4026532000 + place, (loopback, *inside), ways))
    uplink = Interface(2, "enp0s31f6", "", "52:54:00:12:34:56", True, ("192.0.2.17/24",))
    more = (Interface(50 + n, f"tap{n}", "", "52:54:00:12:34:00", False) for n in range(12))
    host = Namespace("host", 4026531840, (loopback, uplink, *bridges, *ports, *more), (Way("", "192.0.2.1", "enp0s31f6"),))
    return [host, *others]


def addresses(network: int, number: int, *, ipv6: bool) -> tuple[str, ...]:
    return (f"10.{network}.0.{number}/16", *([f"fd12:3456:789a:bcde:1111:2222:{network}:{number}/64"] if ipv6 else []))


NETWORKS = {f"lc-{n:012x}": f"network-{n}" * 6 for n in range(2)}
PUBLISHED = (
    (PortBinding(80, "tcp", "0.0.0.0", 8080), "10.0.0.2"),
    (PortBinding(65535, "udp", "2001:db8:1111:2222:3333:4444:5555:6666", 65535), "fd12:3456:789a:bcde:1111:2222:3333:2"),
)
NAT = Nat(tuple(NETWORKS), PUBLISHED)


@pytest.mark.usefixtures("strict")
@pytest.mark.parametrize(("containers", "networks"), [(1, 1), (2, 2), (3, 1), (4, 3)])
def test_pictures_of_networks(containers: int, networks: int) -> None:
    look_at(draw_network(made_up(containers, networks, ipv6=networks == 2), NETWORKS, NAT, left_out=2), height=1000)


@pytest.mark.parametrize("networks", [1, 2, 3])
@pytest.mark.parametrize("containers", [1, 4])
def test_no_box_covers_another_and_each_wire_ends_on_two(containers: int, networks: int) -> None:
    namespaces = made_up(containers, networks)
    plan = layout(namespaces, NETWORKS, NAT)
    host = next(box for box in plan.boxes if box.title == "host")
    inner = [box for box in plan.boxes if box.is_inner]
    outer = [box for box in plan.boxes if not box.is_inner]
    for some in (inner, outer):
        for one, other in combinations(some, 2):
            assert one.right <= other.left or other.right <= one.left or one.bottom <= other.top or other.bottom <= one.top
    for box in inner:
        assert host.left < box.left < box.right < host.right
        assert host.top < box.top < box.bottom < host.bottom
    for box in plan.boxes:
        assert all(box.top < row.y < box.bottom for row in box.rows)
    assert len(plan.wires) == containers * networks
    edges = {(edge, row.y) for box in plan.boxes for row in box.rows for edge in (box.left, box.right) if row.end}
    assert all({wire.start, wire.end} <= edges for wire in plan.wires)
    assert [wire.is_up for wire in plan.wires].count(False) == 1


def test_a_picture_of_networks_in_words() -> None:
    namespaces = made_up(1, 1)
    picture = draw_network([namespaces[0], namespaces[1].replace(label="web")], {"lc-000000000000": "blue"}, NAT)
    assert "enp0s31f6 192.0.2.17/24 52:54:00:12:34:56 up;" in picture.alt
    assert "lc-000000000000 10.0.0.1/16 02:42:0a:00:00:01 up bridge of network blue;" in picture.alt
    assert "veth00000000064 ee:00:00:00:01:00 up port of lc-000000000000 wired to eth0 of web;" in picture.alt
    assert "web: lo 127.0.0.1/8 ::1/128 up; " in picture.alt
    assert (
        "eth0 10.0.0.2/16 02:42:0a:00:00:02 down wired to veth00000000064 of host; default route 10.0.0.1 eth0." in picture.alt
    )
    assert "tap0 52:54:00:12:34:00 down" in picture.alt
    assert "tap5" not in picture.alt
    assert "Masqueraded: lc-000000000000, lc-000000000001." in picture.alt
    assert "Published: 0.0.0.0:8080/tcp → 10.0.0.2:80, [2001:db8:" in picture.alt
    assert "- published port (DNAT): 0.0.0.0:8080/tcp → 10.0.0.2:80" in picture.caption


def test_what_is_left_out_is_counted() -> None:
    rows = [row for box in layout(made_up(1, 1), {}, Nat()).boxes for row in box.rows]
    assert [row.remark for row in rows if "more" in row.remark] == ["… 10 more"]  # of lo, the uplink and 12 others 4 are shown


# --- the way of a packet


def seen(place: int, interface: str, way: str, time_us: float, source: str, destination: str) -> Sighting:
    return Sighting(place, interface, way == "out", time_us, source, destination)


OUTSIDE = "[2001:db8:1111:2222:3333:4444:5555:6666]:65535"
WAY = (
    seen(1, "eth0", "out", 12.3, "10.0.0.2:40000", "192.0.2.17:8080"),
    seen(0, "veth00000000064", "in", 14.9, "10.0.0.2:40000", "192.0.2.17:8080"),
    seen(0, "lc-000000000000", "in", 14.9, "10.0.0.2:40000", "192.0.2.17:8080"),
    seen(0, "enp0s31f6", "out", 1234567.0, "192.0.2.17:61234", OUTSIDE),
    seen(2, "eth0", "in", 1234570.0, "192.0.2.17:61234", OUTSIDE),
)
TRACE = Trace(1, "10.0.0.2:40000", "192.0.2.17:8080", WAY, "answered", 1234999.0)


@pytest.mark.usefixtures("strict")
def test_pictures_of_a_packet() -> None:
    look_at(draw_packet(made_up(4, 2), TRACE.replace(dropped=3)))
    look_at(draw_packet(made_up(1, 1), TRACE.replace(source="0.0.0.0:0", sightings=(), outcome="unreachable")))
    long = WAY[0].replace(interface="veth00000000064", source=OUTSIDE, destination=OUTSIDE)
    many = tuple(long.replace(place=place) for place in range(5))
    look_at(draw_packet(made_up(4, 1), TRACE.replace(sightings=many, outcome="timeout")))


def test_what_was_rewritten_is_told_from_one_sighting_to_the_next() -> None:
    rows = steps(made_up(2, 1), TRACE)
    assert [(row.source_by, row.destination_by) for row in rows] == [*[("", "")] * 4, ("masquerade", "DNAT"), ("", "")]
    elsewhere = TRACE.replace(sightings=(WAY[0], WAY[4]))
    assert [row.source_by for row in steps(made_up(2, 1), elsewhere)] == ["", "", "SNAT"]


def test_a_packets_way_in_words() -> None:
    namespaces = [one.replace(label=name) for one, name in zip(made_up(2, 1), ("host", "web", "far"), strict=True)]
    picture = draw_packet(namespaces, TRACE)
    assert picture.alt.startswith(
        "A packet from 10.0.0.2:40000 to 192.0.2.17:8080. After 12 µs: web eth0 out, 10.0.0.2:40000 → "
    )
    assert f"After 1,234,567 µs: host enp0s31f6 out, 192.0.2.17:61234 → {OUTSIDE} (masquerade, DNAT)." in picture.alt
    assert picture.alt.endswith("Outcome: answered: the connection is there after 1,234,999 µs.")
    late = draw_packet(namespaces, TRACE.replace(outcome="timeout", sightings=WAY[:2], dropped=3)).alt
    assert "Outcome: no answer: seen last on veth00000000064 of host. 3 packets came faster" in late


IPV4 = bytes.fromhex("4500003c000040004006b1e40a0000020a000003")
IPV6 = bytes.fromhex("6000000000140640") + bytes(15) + b"\1" + bytes(15) + b"\2"
SYN = bytes.fromhex("9c400050 deadbeef 00000000 5002ffff 00000000")


@pytest.mark.parametrize(
    ("data", "ends"),
    [
        (IPV4 + SYN, ("10.0.0.2:40000", "10.0.0.3:80")),
        (IPV6 + SYN, ("[::1]:40000", "[::2]:80")),
        (b"\x46" + IPV4[1:] + bytes(4) + SYN, ("10.0.0.2:40000", "10.0.0.3:80")),  # with an option
        (IPV4 + SYN[:13] + b"\x12" + SYN[14:], None),  # the answer
        (IPV4 + SYN[:7] + b"\x00" + SYN[8:], None),  # another's
        (IPV4[:9] + b"\x11" + IPV4[10:] + SYN, None),  # UDP
        (IPV4 + SYN[:13], None),
        (IPV4[:19], None),
        (IPV6[:39], None),
        (b"", None),
    ],
    ids=["IPv4", "IPv6", "option", "answer", "another's", "UDP", "cut", "cut IPv4", "cut IPv6", "empty"],
)
def test_the_packet_is_known_by_its_sequence_number(data: bytes, ends: tuple[str, str] | None) -> None:
    assert parse_syn(data, 0xDEADBEEF) == ends


LIVED = Life("clock", ("create", "start", "pause", "unpause", "exec_create", "kill", "die", "start"))


def test_a_life_has_all_verbs_of_the_table() -> None:
    """Each edge between two states is drawn with its verbs, or told below the picture."""
    wanted = {
        (state, after) for row in TABLE.values() for state, after in row.items() if after in PLACES and state in PLACES
    } - {(state, state) for state in PLACES}
    assert set(edges()) == wanted
    assert "restart" in edges()["created", "running"]
    assert set(ROUTES) - wanted == {("running", "restarting")}  # by itself: a policy's
    told = life_cycle(LIVED).caption
    assert all(f"from {state} " in told for state, _ in wanted - set(ROUTES))


@pytest.mark.usefixtures("strict")
def test_pictures_of_a_life() -> None:
    look_at(life_cycle(LIVED), height=460)
    look_at(life_cycle(Life("gone", ("create", "destroy"))), height=460)
    look_at(life_cycle(Life("unknown", ())), height=460)
    assert LIVED.states == ("created", "running", "paused", "running", "exited", "running")
    assert "created → running → paused → running → exited → running" in life_cycle(LIVED).alt
