"""Wrong command lines, as docker's command and labcore's answer them: `python -m tests.wrong_command_lines` writes the page.

Both are asked in turn, of one labcore daemon with the same objects in it: `made` was created, `up` runs, `gone` has ended.
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import labcore.cli
from tests.daemon import RunningDaemon, running_daemon

PAGE = Path(labcore.cli.__file__).with_name("WRONG_COMMAND_LINES.md")
LABCORE = str(Path(sys.executable).with_name("labcore"))
MESSAGE_LENGTH = 150  # of a line of the page
LINES = """
nosuch
container nosuch
run
run --nosuch busybox
run --rm busybox nosuch
run --rm busybox /etc
run --rm busybox sh -c 'exit 7'
run --rm --pull never nosuch
run --rm -p 99999:80 busybox
run --rm -p x busybox
run --rm -v ../data:/data busybox
run --rm -v data busybox
run --name 'a b' busybox
run --name up busybox
run --rm --memory 1k busybox
run --rm --memory x busybox
run --rm --cpus x busybox
run --rm --cpus -1 busybox
run --restart bad busybox
run --rm --restart always busybox
run --rm --network nosuch busybox
run --rm -e '' busybox
run --rm --env-file /nosuch busybox
run --rm --ulimit x busybox
run --rm --cap-add NOSUCH busybox
run --rm --security-opt x busybox
run --rm --mount type=bind busybox
run --rm --mount type=nosuch,target=/a busybox
run --rm --mount type=bind,source=/nosuch,target=/a busybox
run --rm --device /dev/nosuch busybox
run --rm -u nosuch busybox
run --rm -w here busybox
run --rm --stop-signal NOSUCH busybox
run --rm --log-driver nosuch busybox
run --rm --ipc nosuch busybox
run --rm --pid container:nosuch busybox
run --rm -d -a stdout busybox
run --rm --tmpfs here busybox
run --rm --sysctl x busybox
run --rm --sysctl kernel.nosuch=1 busybox
run --rm --add-host x busybox
run --rm --ip 1.2.3.4 busybox
run --rm --mac-address x busybox
run --rm --shm-size x busybox
run --rm --pids-limit x busybox
create
create nosuch
start
start nosuch
start -a made gone
stop nosuch
stop -t x up
restart nosuch
kill made
kill -s NOSUCH up
pause made
unpause up
exec
exec up
exec nosuch true
exec made true
exec up nosuch
exec up /etc
exec -w /nosuch up true
exec -u nosuch up true
attach made
attach nosuch
logs
logs nosuch
logs --tail x gone
logs --since nosuch gone
wait nosuch
rename
rename up gone
rename nosuch other
rename up 'a b'
update nosuch
update --memory x up
rm
rm up
rm nosuch
rm -f nosuch
top made
top nosuch
port nosuch
port up 80
diff nosuch
export nosuch
commit nosuch
commit up UPPER
cp
cp /a /b
cp nosuch:/a .
cp up:/nosuch .
cp /nosuch up:/a
cp /etc/hostname up:/nosuch/here/
cp up:/etc/group gone:/tmp
inspect
inspect nosuch
inspect -f '{{.Nosuch}}' up
inspect -f '{{' up
inspect --type nosuch up
ps --filter x
ps --filter nosuch=1
ps --format '{{.Nosuch}}'
ps --nosuch
ps extra
images --filter nosuch=1
build
build /nosuch
build -f /nosuch /etc/skel
build -t UPPER /etc/skel
build --ulimit x /etc/skel
build --memory x /etc/skel
build --shm-size x /etc/skel
build --add-host x /etc/skel
build --nosuch /etc/skel
build -
builder nosuch
builder prune extra
rmi
rmi nosuch
rmi busybox
history nosuch
tag
tag nosuch other
tag busybox UPPER
save
save nosuch
load -i /nosuch
import
import /nosuch
pull
pull UPPER
pull -a busybox:1
push nosuch
network
network create
network create bridge
network create --subnet x net
network create -d nosuch net
network rm bridge
network rm nosuch
network connect nosuch up
network connect bridge nosuch
network disconnect bridge nosuch
network inspect nosuch
volume create a
volume create 'a b'
volume create -d nosuch vol
volume rm nosuch
volume inspect nosuch
volume ls --filter nosuch=1
login -u somebody
logout extra words
search
system nosuch
system df extra
events --since nosuch
stats nosuch --no-stream
version --format '{{.Nosuch}}'
info --format '{{'
""".strip().splitlines()


# Where the exit statuses differ, and why.
DIFFERENT = {
    "run --rm -d -a stdout busybox": "whatever keeps `run` from starting a program has 125, the program's statuses beside it",
    "logs --tail x gone": "docker shows all lines where it is told no number",
    "inspect --type nosuch up": "a value that an option does not know has 125 everywhere",
}


class Answers(NamedTuple):
    """What the two said to a line: exit statuses, and the first line of their errors."""

    line: str
    docker: int
    labcore: int
    docker_said: str
    labcore_said: str


@contextmanager
def prepared(root: Path) -> Iterator[RunningDaemon]:
    """Yield a daemon with the containers that the lines speak of."""
    with running_daemon(root) as daemon:
        daemon.docker("create", "--name", "made", "busybox", "true")
        daemon.docker("run", "-d", "--name", "up", "busybox", "sleep", "1000")
        daemon.docker("run", "--name", "gone", "busybox", "true")
        yield daemon


def answers(daemon: RunningDaemon) -> Iterator[Answers]:
    """Ask both, line by line."""
    for line in LINES:
        words = shlex.split(line)
        docker, labcore = _asked(daemon, daemon.command(*words)), _asked(daemon, [LABCORE, "-H", daemon.url, *words])
        yield Answers(line, docker.returncode, labcore.returncode, _said(docker.stderr), _said(labcore.stderr))


def _asked(daemon: RunningDaemon, command: list[str]) -> "subprocess.CompletedProcess[str]":
    # Of docker's two builders that which speaks to any daemon.
    environment = {**os.environ, "DOCKER_CONFIG": str(daemon.socket.parent / "docker-config"), "DOCKER_BUILDKIT": "0"}
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, env=environment, cwd="/", check=False
    )


def _said(stderr: str) -> str:
    """Return the first line, without what another run would have otherwise."""
    if stderr.startswith("DEPRECATED: The legacy builder"):
        stderr = stderr.partition("\n\n")[2]
    line = next(filter(None, map(str.strip, stderr.splitlines())), "")
    line = re.sub(r"\b[0-9a-f]{12}([0-9a-f]{52})?\b", "ID", re.sub(r'^time="[^"]*" ', "", line))
    return line if len(line) <= MESSAGE_LENGTH else f"{line[: MESSAGE_LENGTH - 1]}…"


def page(found: list[Answers]) -> str:
    """Return the tables, in Markdown."""
    rows = "".join(
        f"| `{each.line}` | {each.docker} | {each.labcore} | {_cell(each.docker_said)} | {_cell(each.labcore_said)} |\n"
        for each in found
    )
    reasons = "".join(f"| `{line}` | {reason} |\n" for line, reason in DIFFERENT.items())
    return (
        "# Wrong command lines\n\n"
        "What docker's command, 28.5.2, and labcore's answer to the same words, asked of the same labcore daemon: exit status\n"
        "and the first line on standard error; labcore's next line is often a cure. `made` was created, `up` runs, `gone` has\n"
        "ended. This page is made by `python -m tests.wrong_command_lines`.\n\n"
        f"{_head('words', 'docker', 'labcore', 'docker says', 'labcore says')}{rows}\n"
        f"## Where the exit statuses differ\n\n{_head('words', 'why')}{reasons}"
    )


def _head(*names: str) -> str:
    return f"| {' | '.join(names)} |\n|{' --- |' * len(names)}\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory, prepared(Path(directory, "root")) as daemon:
        PAGE.write_text(page(list(answers(daemon))))
