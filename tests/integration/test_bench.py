"""The benchmark's parts: that it compares like with like, and what it writes. No figure is judged here."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

import labcore
from labcore import procfs
from labcore.bench.comparison import Comparison, Options, Progress
from labcore.bench.isolated import compare_isolated
from labcore.bench.measure import Row, Subject, measure
from labcore.bench.memory import allocated
from labcore.bench.render import table
from labcore.bench.start import filter_file
from labcore.engine import Engine
from labcore.native import program
from labcore.runtime.probe import file_system
from labcore.spec import OverlayRoot
from labcore.vm.qemu import default_machine
from tests.conftest import ON_CI, needs_root, small_disk
from tests.peers import Peers
from tests.threads import Started, together


def floor_output(engine: Engine, *argv: str) -> str:
    spec = engine.spec("busybox", ["true"])
    assert isinstance(spec.root, OverlayRoot)
    filter_path = filter_file(spec, engine.root)
    command = [program("labcore-floor"), spec.root.directory, spec.root.layers[0], filter_path, *argv]
    done = subprocess.run(command, input="\n", capture_output=True, text=True, timeout=30)
    *output, nanoseconds = done.stdout.splitlines()
    assert nanoseconds.isdigit(), done.stdout + done.stderr
    return "\n".join(output)


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize(
    "script",
    [
        "cut -d' ' -f4- /proc/self/mountinfo | sed 's/layers[^ ,]*//'",
        "ls -ln /dev | cut -c1-40",
        "grep -E '^(Cap|Sig[PBIC]|Umask|NoNewPrivs|Seccomp|Uid|Gid)' /proc/self/status",
        "hostname; id; env | sort; pwd; ls /proc/self/fd",
        "ls /proc/self/ns; ip link",
        "awk '{print $6, $7}' /proc/self/stat",
    ],
)
def test_the_floor_makes_the_same_container(engine: Engine, script: str) -> None:
    """A program that looks around sees the same world in the floor's container and in labcore's."""
    needs_root()
    plan = labcore.plan("busybox", ["/bin/sh", "-c", script], root=engine.root)
    with labcore.spawn(plan, stdin=labcore.DEVNULL, stdout=labcore.PIPE) as process:
        ours, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    theirs = floor_output(engine, "/bin/sh", "-c", script)
    assert sorted(theirs.splitlines()) == sorted(ours.decode().splitlines())  # what is masked is found out in another order


def test_bench_start_writes_its_format(tmp_path: Path) -> None:
    needs_root()
    command = [sys.executable, "-m", "labcore", "bench", "start", "-n", "2", "--json", str(tmp_path / "rows.json")]
    done = subprocess.run([*command, "--plot", str(tmp_path / "rows.png")], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "rows.json").read_text())
    assert set(result) == {"environment", "rows"}
    assert {"machine", "kernel", "versions", "file_system"} <= set(result["environment"])
    assert result["environment"]["file_system"] == "tmpfs"
    for row in result["rows"]:
        assert set(row) == {"bench", "subject", "n", "median_ms", "p05_ms", "p95_ms", "ratio"}
        assert row["bench"] == "start"
        assert 0 < row["p05_ms"] <= row["median_ms"] <= row["p95_ms"]
    subjects = {row["subject"] for row in result["rows"]}
    assert len([subject for subject in subjects if "labcore" in subject]) == 5
    assert len([subject for subject in subjects if "floor" in subject]) == 1
    if ON_CI:  # all peers are installed there, so none may drop out silently
        assert {"bubblewrap", "crun run", "runc run", "podman run --rm --network none"} <= subjects, done.stdout
        for network in ("none", "bridge"):  # like is compared with like
            assert f"docker run --rm --network {network}" in subjects
            assert re.search(
                rf"labcore run --rm --network {network}: [\d.]+ x docker run --rm --network {network}\n", done.stdout
            )
    assert "resident: small parent" in done.stdout
    assert (tmp_path / "rows.png").read_bytes().startswith(b"\x89PNG")
    assert not list(Path("/tmp").glob("labcore-bench-*"))


def test_bench_network_measures_beside_dockerd(peer: Peers, tmp_path: Path) -> None:
    needs_root()
    peer.needs("dockerd", "docker")
    command = [sys.executable, "-m", "labcore", "bench", "network", "-n", "2", "--json", str(tmp_path / "rows.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "rows.json").read_text())["rows"]
    assert [(row["bench"], row["subject"]) for row in rows] == [
        ("network start", "labcore: reserve, attach"),
        ("network start", "docker: start, bridge"),
        ("network start", "docker: start, none"),
        ("network create", "labcore"),
        ("network create", "docker"),
    ]
    assert "a bridge costs docker" in done.stdout
    assert not list(Path("/tmp").glob("labcore-bench-*"))


def test_bench_ports_measures_beside_dockerd(peer: Peers, tmp_path: Path) -> None:
    needs_root()
    peer.needs("docker", "dockerd")
    command = [sys.executable, "-m", "labcore", "bench", "ports", "-n", "2", "--json", str(tmp_path / "rows.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    rows = {(row["bench"], row["subject"]) for row in json.loads((tmp_path / "rows.json").read_text())["rows"]}
    assert {("publish", "labcore, none published"), ("publish", "labcore, 1,000 published")} < rows
    for what in ("64 MiB", "500 round trips", "50 connections"):
        assert {(what, f"{name}, {address}") for name in ("labcore", "docker") for address in ("127.0.0.1", "::1")} < rows


def test_bench_dns_measures_beside_dockerd(peer: Peers, tmp_path: Path) -> None:
    needs_root()
    peer.needs("docker", "dockerd")
    command = [sys.executable, "-m", "labcore", "bench", "dns", "-n", "2", "--json", str(tmp_path / "rows.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "rows.json").read_text())["rows"]
    assert [(row["bench"], row["subject"]) for row in rows] == [("dns", "labcore"), ("dns", "docker")]
    assert done.stdout.count("queries/s, 99th percentile") == 2


def test_bench_daemon_measures_beside_dockerd(peer: Peers, tmp_path: Path) -> None:
    needs_root()
    peer.needs("docker", "dockerd")
    command = [sys.executable, "-m", "labcore", "bench", "daemon", "-n", "2", "--json", str(tmp_path / "rows.json")]
    small = ["--size", "1", "--containers", "3"]
    only = [
        word
        for each in ("ping", "network none", "ps -a", "followed: 1 MiB, lines of 100", "logs: 1 MiB, lines of 4", "MiB, out")
        for word in ("--only", each)
    ]
    done = subprocess.run([*command, *small, *only], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "rows.json").read_text())["rows"]
    assert {row["subject"]: [each["bench"] for each in rows if each["subject"] == row["subject"]] for row in rows} == {
        name: [
            "ping, one connection",
            "ping, 16 connections",
            "docker run --rm --network none",
            "docker ps -a, 3 containers",
            "log written and followed: 1 MiB, lines of 100 B",
            "docker logs: 1 MiB, lines of 4 KB",
            "docker cp of 1 MiB, out",
        ]
        for name in ("labcore daemon", "dockerd")
    }
    assert done.stdout.count(" x dockerd, goal ") == 7
    assert done.stdout.count("most memory of the daemons meanwhile") == 3
    weighed = re.findall(r"labcore daemon ([\d.]+) MiB, dockerd ([\d.]+) MiB; goal", done.stdout)
    assert len(weighed) == 2
    assert all(0 < float(ours) < float(theirs) for ours, theirs in weighed), done.stdout
    assert not list(Path("/tmp").glob("labcore-bench-*"))


def test_bench_daemon_names_what_it_can_measure() -> None:
    command = [sys.executable, "-m", "labcore", "bench", "daemon", "-n", "2", "--only", "nothing"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 125
    assert done.stderr.startswith("labcore: --only nothing: there are docker version; ping, one connection; ")


def test_bench_compare_measures_keeps_and_draws_again(tmp_path: Path, vm_root: Path) -> None:
    needs_root()
    kept = tmp_path / "comparison.json"
    command = [sys.executable, "-m", "labcore", "--root", str(vm_root), "bench", "compare"]
    done = subprocess.run([*command, "--quick", "-n", "1", "--json", str(kept)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "fell out" not in done.stdout
    content = json.loads(kept.read_text())
    assert {"environment", "rows", "series", "timelines", "notes"} <= set(content)
    assert {"machine", "kernel", "versions", "file_system"} <= set(content["environment"])
    assert content["environment"]["versions"]["accelerator"] in ("kvm", "tcg")
    for row in content["rows"]:
        assert set(row) == {"bench", "subject", "n", "median_ms", "p05_ms", "p95_ms", "ratio"}
        assert 0 < row["p05_ms"] <= row["median_ms"] <= row["p95_ms"]
    there = {(entry["topic"], entry["subject"]) for entry in content["series"]}
    machine = default_machine()
    for subject in ("process", "labcore", "labcore run", machine, "by hand", "labcore vm run"):
        assert ("start", subject) in there
    for topic in ("memory", "stop", "cpu", "getpid", "stat", "create", "pipe", "fork"):
        assert {(topic, "process"), (topic, "labcore"), (topic, machine)} <= there
    assert {("density", "labcore"), ("density", machine), ("image", machine)} <= there
    assert {"labcore", machine} <= set(content["timelines"])
    drawn = tmp_path / "pictures"
    again = subprocess.run([*command, "--from", str(kept), "--plot", str(drawn)], capture_output=True, text=True, timeout=120)
    assert again.returncode == 0, again.stderr
    assert again.stdout.startswith(done.stdout)
    assert sorted(path.name for path in drawn.iterdir()) == ["memory.png", "start.png", "waterfall.png", "work.png"]
    assert not list(Path("/tmp").glob("labcore-bench-*"))


def test_a_comparison_that_is_interrupted_leaves_no_machine(tmp_path: Path, vm_root: Path) -> None:
    needs_root()
    command = [sys.executable, "-m", "labcore", "--root", str(vm_root), "bench", "compare", "--quick"]
    with Started(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True) as bench:
        deadline = time.monotonic() + 60
        while not (machines := descendants(bench.pid, "qemu")) and time.monotonic() < deadline:
            time.sleep(0.05)
        bench.send_signal(signal.SIGINT)
        bench.communicate(timeout=30)
    assert machines
    assert bench.returncode == 130
    assert gone(machines)


def test_a_comparison_can_be_asked_for_by_a_thread_which_may_lose_interest(vm_root: Path) -> None:
    needs_root()
    seen: list[object] = []
    machines: list[int] = []

    def listen() -> None:
        with closing(compare_isolated(vm_root, Options(rounds=1, quick=True))) as events:
            for event in events:
                seen.append(event)
                if isinstance(event, Progress) and event.what == default_machine():
                    break
            deadline = time.monotonic() + 60
            while not machines and time.monotonic() < deadline:
                machines.extend(descendants(os.getpid(), "qemu"))

    together(listen, seconds=120)
    assert seen
    assert machines
    assert gone(machines)
    assert not list(Path("/tmp").glob("labcore-compare-*"))


def test_a_comparison_apart_yields_what_it_found(tmp_path: Path) -> None:
    needs_root()
    cgroups = containers_cgroups()
    *steps, found = compare_isolated(tmp_path / "nothing", Options(rounds=1, quick=True))  # no virtual machines there: a note
    assert containers_cgroups() <= cgroups, "each command has ended its container"
    assert steps
    assert isinstance(found, Comparison)
    assert found.get("start", "labcore") is not None
    assert any("labcore vm setup" in note for note in found.notes)


def test_what_is_mounted_below_takes_no_room_on_the_disk(tmp_path: Path) -> None:
    needs_root()
    (tmp_path / "here").write_bytes(b"x" * (1 << 16))
    os.link(tmp_path / "here", tmp_path / "again")
    with small_disk(tmp_path / "elsewhere", "1m") as elsewhere:
        (elsewhere / "large").write_bytes(b"x" * (1 << 19))
        assert 1 << 16 <= allocated(tmp_path) < 1 << 18


def containers_cgroups() -> set[Path]:
    return set(Path("/sys/fs/cgroup").glob("**/labcore-*/"))


def gone(pids: list[int], timeout: float = 20.0) -> bool:
    """Wait until none of these is left: one that the kernel ends with its parent needs a moment longer than the parent."""
    deadline = time.monotonic() + timeout
    while (left := [pid for pid in pids if Path(f"/proc/{pid}").exists()]) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not left


def descendants(pid: int, name: str) -> list[int]:
    found = []
    for child in procfs.descendants(pid):
        with suppress(OSError):
            found += [child] if Path(f"/proc/{child}/comm").read_text().startswith(name) else []
    return found


def test_a_comparison_says_what_is_wrong_before_it_measures(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "labcore", "bench", "compare"]
    (tmp_path / "file").touch()
    wrong = {"--json": "nowhere/c.json", "--from": "nothing.json", "--plot": "file"}
    for words in ([option, str(tmp_path / name)] for option, name in wrong.items()):
        done = subprocess.run([*command, *words], capture_output=True, text=True, timeout=60)
        assert done.returncode == 125
        assert done.stderr.startswith("labcore: ")
        assert done.stderr.count("\n") == 1


def test_measuring_takes_turns() -> None:
    order: list[str] = []

    def subject(name: str, every: int = 1) -> Subject:
        return Subject(name, lambda: order.append(name) or 0.001, every)  # type: ignore[func-returns-value]

    *_, measured = measure("x", [subject("a"), subject("b"), subject("slow", 2)], 3, "a")
    assert order == ["a", "b", "slow", "a", "b", "slow", "a", "b", "a", "b", "slow"]
    assert [row.n for row in measured.rows()] == [3, 3, 2]
    assert measured.rows()[1] == Row("x", "b", 3, 1.0, 1.0, 1.0, 1.0)
    assert "1.00x" in table(measured.rows(), "a")


def test_ratios_are_those_of_rounds_and_a_noisy_machine_is_named() -> None:
    base, ours = [1.0, 10.0, 1.0, 2.0], [2.0, 20.0, 2.0, 2.0]  # the second round met somebody else's work

    def subject(name: str, seconds: list[float]) -> Subject:
        left = iter([0.0, *seconds])
        return Subject(name, lambda: next(left) / 1e3)

    *_, measured = measure("x", [subject("base", base), subject("ours", ours)], 4, "base")
    assert measured.ratio("ours", "base") == 2.0
    assert "2.00x" in table(measured.rows(), "base").splitlines()[2]
    assert "was not quiet" in measured.quiet()
    *_, measured = measure("x", [subject("base", [1.0, 1.1])], 2, "base")
    assert measured.quiet().startswith("the machine was quiet (")


def test_file_system() -> None:
    assert file_system(Path("/proc/self")) == "proc"
    assert file_system(Path("/sys/kernel")) == "sysfs"


def test_bench_images_measures_each_way(peer: Peers, tmp_path: Path) -> None:
    needs_root()
    peer.needs("docker", "dockerd", "docker-registry", "skopeo", "umoci")
    (tmp_path / "root/etc").mkdir(parents=True)
    (tmp_path / "root/etc/hostname").write_text("small\n")
    subprocess.run(["tar", "-C", tmp_path / "root", "-cf", tmp_path / "small.tar", "."], check=True)
    command = [sys.executable, "-m", "labcore", "bench", "images", "-n", "2", "--archive", str(tmp_path / "small.tar")]
    files = ["--json", str(tmp_path / "rows.json"), "--plot", str(tmp_path / "rows.png")]
    done = subprocess.run([*command, *files], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "rows.json").read_text())["rows"]
    pairs = {name: [row["subject"] for row in rows if row["bench"] == name] for name in {row["bench"] for row in rows}}
    assert set(pairs) == {"unpacking", "loading", "pulling", "pushing", "serving", "fetching", "asking"}
    assert all(len(subjects) == 2 and any("labcore" in each for each in subjects) for subjects in pairs.values())
    assert done.stdout.count("most memory of labcore's daemon, or of a command") == 3
    assert (tmp_path / "rows.png").read_bytes().startswith(b"\x89PNG")
    assert not list(Path("/tmp").glob("labcore-bench-*"))
