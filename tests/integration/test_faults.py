"""Fault labs: the complaint is real, the check rejects what is not mended, and accepts a cure by the docker command."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labcore import lab
from labcore.engine import Engine
from labcore.errors import InvalidInput
from labcore.lab import fault_labs
from labcore.lab.daemons import DaemonFailed
from labcore.lab.fault_labs import Fault, broken
from labcore.lab.faults import LESSONS, scenarios
from labcore.lab.faults.scenario import FaultScenario
from labcore.procfs import has_ended
from tests.conftest import PROJECT, closed_to_others, needs_root
from tests.daemon import DOCKER

pytestmark = pytest.mark.usefixtures("nothing_left", "_lab")
ALL = {each.name: (lesson, each) for lesson in LESSONS for each in scenarios(lesson)}
Act = Callable[[Fault], object]


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A place that ordinary users may enter: a state root, and a PATH with the stock docker command."""
    needs_root()
    with tempfile.TemporaryDirectory(prefix="labcore-faults-") as directory:
        made = Path(directory)
        made.chmod(0o711)
        for name in ("root", "bin"):
            (made / name).mkdir()
        stock = DOCKER if DOCKER.exists() else Path(shutil.which("docker") or "")
        if not stock.is_file():
            pytest.skip("needs docker, which is not installed (PEERS=1 make setup)")
        put = shutil.copy if closed_to_others(stock) else os.symlink
        put(stock, made / "bin/docker")
        Engine(made / "root").seed("busybox")
        yield made


@pytest.fixture
def _lab(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LABCORE_ROOT", str(place / "root"))
    monkeypatch.setenv("PATH", f"{place}/bin:{os.environ['PATH']}")
    yield
    for each in list(fault_labs._OPEN):
        each.restore()


def docker(*lines: str) -> Act:
    """Return what runs these docker commands, with the drawn words filled in."""

    def act(fault: Fault) -> None:
        for line in lines:
            done = fault.docker(line.format(**fault.words))
            assert done.status == 0, (line, done.output)

    return act


def anew(options: str, *, without: str = "") -> Act:
    """Return what types the complaining user's line once more, with further options, and `without` another."""

    def act(fault: Fault) -> None:
        line = next(each for each in fault.complaint.splitlines() if " run -d " in each).removeprefix("$ docker ")
        fault.docker(f"rm -f {fault.words['name']}")
        line = line.replace(without, "")
        done = fault.docker(line.replace("--network none", f"--network none {options.format(**fault.words)}"))
        assert done.status == 0, done.output

    return act


def mode(bits: int, *, group: bool = False, owner: bool = False) -> Act:
    """Return what changes the socket's mode and owners."""

    def act(fault: Fault) -> None:
        uid = int(fault.words["user"]) if owner else 0
        os.chown(fault.daemon.socket, uid, int(fault.words["group"]) if group else 0)
        Path(fault.daemon.socket).chmod(bits)

    return act


def started(fault: Fault) -> None:
    fault.daemon.start()


def end_the_impostor(fault: Fault) -> None:
    """As a learner finds it: the process with the impostor's module in its command line."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        words = path.read_bytes().split(b"\0") if path.exists() else []
        if b"labcore.lab.faults.impostor" in words and os.fsencode(fault.daemon.socket) in words:
            os.kill(int(path.parent.name), signal.SIGTERM)
            while not has_ended(int(path.parent.name)):
                time.sleep(0.01)


def start_in_vain(fault: Fault) -> None:
    with pytest.raises(DaemonFailed, match="does not come up"):
        fault.daemon.start()


def rebuilt(*lines: str) -> Act:
    """Return what replaces the Dockerfile of the story, all but its first line, and builds it under the same name."""

    def act(fault: Fault) -> None:
        text = re.sub(r"\{(\w+)\}", lambda found: fault.words[found[1]], "\n".join(("FROM busybox", *lines)))
        Path(fault.words["place"], "Dockerfile").write_text(f"{text}\n")
        docker("build -q -t {image} {place}")(fault)

    return act


def edited(name: str, old: str, new: str, *, build: str = "{image}") -> Act:
    """Return what changes a file of the story's folder, builds the folder, and starts the container anew."""

    def act(fault: Fault) -> None:
        path = Path(fault.words["folder"], name)
        path.write_text(path.read_text().replace(old, new))
        docker(f"build -q -t {build} {{folder}}", GONE, SERVES)(fault)

    return act


def both(*acts: Act) -> Act:
    return lambda fault: [act(fault) for act in acts]


def rewritten(*changes: tuple[str, str]) -> Act:
    """Return what changes the Dockerfile as it was, and builds it, if that can be done."""

    def act(fault: Fault) -> None:
        place = Path(fault.words["directory"], "Dockerfile")
        text = re.findall(r"Dockerfile\n(.*?\n)\$ ", fault.complaint, re.DOTALL)[0]  # as it was
        for old, new in changes:
            old, new = old.format(**fault.words), new.format(**fault.words)
            assert old in text
            text = text.replace(old, new)
        place.write_text(text)
        fault.docker(f"build -t {fault.words['name']} {place.parent}")

    return act


def replaced_by(*lines: str) -> Act:
    """Return what writes another Dockerfile, and builds it."""

    def act(fault: Fault) -> None:
        text = "\n".join(lines).format(**fault.words)
        Path(fault.words["directory"], "Dockerfile").write_text(text)
        assert fault.docker(f"build -t {fault.words['name']} {fault.words['directory']}").status == 0

    return act


def built_elsewhere(fault: Fault) -> None:
    """Build what the container should say of another Dockerfile, and leave the file alone."""
    text = f"FROM busybox\nCMD echo {fault.words['text']}\n"
    assert fault.docker(f"build -t {fault.words['name']} -", stdin=text).status == 0


GONE = "rm -f {name}"
SERVES = "run -d --name {name} -p {port}:80 {image}"
FRESH = "FROM busybox\nCOPY --from=0 /stamp /stamp"
WRITER = "COPY {name} /usr/local/bin/"
SLEEPS = "run -d --name {name} --network none busybox sleep 86400"
SAYS = "sh -c 'echo {text}; exec sleep 86400'"
# What each user complains of; its cure; and what is none, with the claim that says so.
COMPLAINTS = {
    "forbidden": "permission denied",
    "killed": "Cannot connect to the Docker daemon|failed to connect to the docker API",
    "replaced": "malformed HTTP",
    "registry": "nobody listens at 127.0.0.1",
    "program": "there is no bash",
    "platform": "exec format error",
    "variable": r"shop-\d+ +exited",
    "file": r"post-\d+ +exited",
    "port": "it is taken by another container",
    "network": r"ping: bad address 'db-\d+'",
    "paused": "tick",
    "memory": r"stack-\d+ +exited",
    "continued": "can't open 'card'",
    "quotes": r"/bin/sh -c \['",
    "misspelt": r"unknown instruction: \w+ \(did you mean",
    "heredoc": "unterminated heredoc",
    "arguments": r"greet-\d+ says hello to nobody",
    "secret": "can't open '/key'",
    "owner": "Permission denied",
    "ignored": "answers 404",
    "background": "gone at once",
    "stale": "shows the old one",
}
CURES: dict[str, Act] = {
    "forbidden": mode(0o660, group=True),
    "killed": started,
    "replaced": both(end_the_impostor, started),
    "registry": docker(GONE, "run -d --name {name} --network none {image}"),
    "program": docker(GONE, "run -d --name {name} --network none {image} " + SAYS),
    "platform": docker(GONE, "run -d --name {name} --network none {image}"),
    "variable": anew("-e {variable}={value}"),
    "file": both(docker("run --rm --network none -v {volume}:/v busybox sh -c 'echo {text} > /v/address'"), anew("")),
    "port": docker("stop -t 1 {other}", "start {name}"),
    "network": docker("network connect inner {name}"),
    "paused": docker("unpause {name}"),
    "continued": rewritten(("card \\\n\n", "card\n")),
    "quotes": rewritten(("'", '"')),
    "misspelt": rewritten(("{wrong}", "{right}")),
    "heredoc": rewritten(("  {end}", "{end}")),
    "memory": both(anew(""), docker("wait {name}", "update -m 100m --memory-swap 100m {name}", "start {name}")),
    "arguments": rebuilt("COPY {name} /usr/local/bin/", 'ENTRYPOINT ["{name}"]', 'CMD ["everybody"]'),
    "secret": rebuilt("COPY key /key", "RUN sha256sum < /key > /stamp", FRESH, 'CMD ["cat", "/stamp"]'),
    "owner": rebuilt(WRITER, "WORKDIR /{folder}", "RUN chown nobody /{folder}", "USER nobody", 'CMD ["{name}"]'),
    "ignored": edited(".dockerignore", "**/*.html\n", ""),
    "background": edited("Dockerfile", '"httpd", ', '"httpd", "-f", '),
    "stale": docker("build -q -t {image} {folder}", GONE, SERVES),
}
WRONG: dict[str, list[tuple[Act, str]]] = {
    "forbidden": [
        (mode(0o666), "a user who is not of that group is refused"),
        (mode(0o600, owner=True), r"user \d+, of group \d+, is answered"),
    ],
    "replaced": [(start_in_vain, "the process that listens there")],
    "registry": [
        (docker(SLEEPS), "the image of"),
        (docker(GONE, "run -d --name {name} --network none {base} " + SAYS), "the image of"),
        (docker(GONE, "run -d --name {name} --network none {image} sleep 86400"), "its log says"),
    ],
    "program": [
        (docker(GONE, SLEEPS), "the image of"),
        (docker(GONE, "run -d --name {name} --network none {image} sleep 86400"), "its log says"),
    ],
    "platform": [(docker(GONE, "run -d --name {name} --network none busybox " + SAYS), "the image of")],
    "variable": [
        (anew("-e {variable}=elsewhere"), "in its environment"),
        (docker(GONE, SLEEPS.replace("busybox", "-e {variable}={value} busybox")), "its log says"),
    ],
    "file": [
        (docker(GONE, SLEEPS), "the volume at /letters"),
        (
            both(docker("run --rm --network none -v {volume}:/v busybox sh -c 'echo nobody > /v/address'"), anew("")),
            "/letters/address as the container sees it",
        ),
    ],
    "port": [(docker("restart -t 1 {other}"), "the state of")],
    "network": [(docker("network create --internal third", "network connect third {name}"), "asks for db")],
    "memory": [
        (anew("", without=" -m 16m"), "it still has a limit"),
        (docker(GONE, SLEEPS.replace("busybox", "-m 64m busybox")), "what it holds"),
    ],
    "continued": [
        (rewritten(("card \\\n\n", "card \\\n\n\n")), "what its container says"),
        (built_elsewhere, "the image has a step for each instruction of"),
        (replaced_by("FROM busybox", "CMD echo {text}"), "the config's WorkingDir"),
    ],
    "quotes": [
        (rewritten(("['", ""), ("']", ""), ("', '", " ")), "what its container says"),
        (replaced_by("FROM busybox", "CMD echo {text}"), "the config's Entrypoint"),
    ],
    "misspelt": [(built_elsewhere, "has a step"), (replaced_by("FROM busybox", "CMD echo {text}"), "the config's WorkingDir")],
    "heredoc": [
        (rewritten(("<<{end}", "<<-{end}")), "what is looked for is there"),
        (replaced_by("FROM busybox", "CMD echo {text}"), "the config's Cmd"),
    ],
    "arguments": [
        (rebuilt("COPY {name} /usr/local/bin/", 'ENTRYPOINT ["{name}"]'), "with nothing behind it, it says"),
        (rebuilt("COPY {name} /usr/local/bin/", 'ENTRYPOINT ["{name}", "everybody"]'), "behind the image's name it says"),
    ],
    "secret": [
        (rebuilt("COPY key /key", "RUN sha256sum < /key > /stamp && rm /key", 'CMD ["cat", "/stamp"]'), "holds the key"),
        (
            rebuilt("ENV KEY={key}", "RUN printf $KEY | sha256sum > /stamp", 'CMD ["cat", "/stamp"]'),
            "nor do its config and its history",
        ),
        (rebuilt("RUN echo other > /stamp", 'CMD ["cat", "/stamp"]'), "it still says its stamp"),
    ],
    "owner": [
        (rebuilt(WRITER, "WORKDIR /{folder}", 'CMD ["{name}"]'), "its user is still nobody"),
        (rebuilt(WRITER, "USER nobody", 'CMD ["sleep", "86400"]'), "it writes its page"),
    ],
    "ignored": [
        (edited(".dockerignore", "**/*.html\n", "", build="team/board:2.0"), "shows"),
        (docker("build -q -t {image} {folder}"), "the image of"),
    ],
    "background": [(docker("restart -t 1 {name}"), "the state of")],
    "stale": [(docker(GONE, SERVES), "shows"), (docker("build -q -t {image} {folder}"), "the image of")],
}
# What cannot be taken back any more.
FATAL: dict[str, tuple[Act, str]] = {
    "killed": (both(started, docker("restart -t 1 {name}")), "is the same process as before"),
    "port": (docker("stop -t 1 {other}", GONE, SLEEPS), "the page at"),
    "paused": (docker("kill {name}", "start {name}"), "is the same process as before"),
}


def must_be_rejected(fault: Fault, claim: str) -> None:
    seen = fault.check()
    assert seen.state == "failed"
    assert any(re.search(claim, each.text) for each in seen.claims if not each.holds), seen


@pytest.mark.parametrize("name", ALL)
def test_the_complaint_is_real_and_only_the_right_cure_is_accepted(name: str) -> None:
    fault = broken([ALL[name][1]], 7)
    assert re.search(COMPLAINTS[name], fault.complaint), fault.complaint
    assert not re.search(r"\b[0-9a-f]{64}\b", fault.complaint), fault.complaint
    assert "{" not in fault.complaint.partition("\n")[0]
    must_be_rejected(fault, "")
    assert fault.cause
    for act, claim in WRONG.get(name, ()):
        act(fault)
        must_be_rejected(fault, claim)
    CURES[name](fault)
    seen = fault.check()
    assert seen.state == "passed", seen
    assert seen.advice == fault.cause
    fault.restore()
    fault.restore()
    must_be_rejected(fault, "")


@pytest.mark.parametrize("name", FATAL)
def test_what_destroys_is_no_cure(name: str) -> None:
    fault = broken([ALL[name][1]], 8)
    act, claim = FATAL[name]
    act(fault)
    must_be_rejected(fault, claim)


def test_each_scenario_is_tried() -> None:
    assert set(ALL) == set(COMPLAINTS) == set(CURES) == {*WRONG, *FATAL}
    assert all(len(scenarios(lesson)) >= 2 for lesson in LESSONS)


def test_teachers_are_told_of_each() -> None:
    section = (PROJECT / "notebooks/TEACHING.md").read_text().partition("## Fault labs")[2].partition("\n## ")[0]
    assert re.findall(r"^\| \d* ?\| `(\w+)` \|", section, re.MULTILINE) == list(ALL)


def test_a_seed_breaks_the_same_again_and_the_one_before_is_restored() -> None:
    first = lab.fault(6, seed=7)
    socket = first.daemon.socket
    second = lab.fault(6, seed=7)
    assert first.daemon.pid == 0
    assert second.words["name"] == first.words["name"]
    assert second.daemon.socket == socket
    second.restore()
    with pytest.raises(InvalidInput, match="lesson 4 has no faults; these have: 5, 6, 7, 8, 9, 10"):
        lab.fault(4)


def test_nothing_outlives_a_notebook_that_is_killed(place: Path) -> None:
    code = """
import os, signal
from labcore.lab.fault_labs import broken
from labcore.lab.faults import scenarios
fault = broken([each for each in scenarios(5) if each.name == "replaced"], 1)
print(fault.daemon.root, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr
    root = Path(done.stdout.splitlines()[-1])
    deadline = time.monotonic() + 20
    while root.exists() or impostors():
        assert time.monotonic() < deadline, (root, impostors())
        time.sleep(0.05)


def impostors() -> list[str]:
    found = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in found.splitlines() if "labcore.lab.faults.impostor" in line]


@pytest.mark.parametrize("name", ALL)
def test_both_languages_tell_the_same_words(name: str) -> None:
    scenario: FaultScenario = ALL[name][1]
    for text in (scenario.story, scenario.cause):
        english, chinese = (sorted(set(re.findall(r"(?<!\{)\{(\w+)\}", each))) for each in text)
        assert english == chinese
