"""Faults of lesson 5: a daemon that cannot be asked, because of its socket, its process, or what has taken its place."""

import os
import socket
import subprocess
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from labcore import procfs
from labcore.http.client import credentials_of
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.docker_command import User
from labcore.lab.faults.scenario import FaultScenario, Site, first_process, running
from labcore.lab.messages import say
from labcore.lab.sandbox import python
from labcore.language import Bilingual
from labcore.unix_sockets import connect

DAEMON: Final = "labcore"  # the Python module that it is
IDS: Final = 61000  # no user of a usual machine has such numbers


def answered_by_the_daemon(site: Site) -> Generator[Claim, None, bool]:
    """The daemon's process listens at its socket, and answers; whether it does is returned."""
    with closing(socket.socket(socket.AF_UNIX)) as probe:
        try:
            connect(probe, site.daemon.socket)
        except OSError as error:
            yield Claim(say("somebody listens at the socket"), False, error.strerror or "")
            return False
        pid = credentials_of(probe).pid
    program = program_of(pid)
    yield equal(say("the process that listens there"), DAEMON, program)
    if program == DAEMON:
        with site.client() as client:
            yield Claim(say("it speaks the API: {version}", version=client.system.ping()), True)
    return program == DAEMON


def program_of(pid: int) -> str:
    """Return what Python module, or else what program, a process runs."""
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    return words[words.index("-m") + 1] if "-m" in words else words[0]


# --- a socket that its users may not write to


def _user(site: Site, *, more: int = 0, is_member: bool = True) -> User:
    """Return the user of the story, or one who has a number as much greater."""
    number = int(site.words["user"]) + more
    return User(number, number, (int(site.words["group"]),) if is_member else ())


def _can_be_asked_by_others(site: Site) -> bool:
    """Try whether an ordinary user can run the command and find the socket here."""
    site.words |= {"user": str(IDS), "group": str(IDS)}
    path = Path(site.daemon.socket)
    before = path.stat()
    path.chmod(0o666)
    try:
        return site.docker.quietly("ps", user=_user(site)).status == 0
    except (OSError, subprocess.SubprocessError):
        return False
    finally:
        path.chmod(before.st_mode & 0o777)


def _forbid(site: Site) -> None:
    number = IDS + site.lots.randrange(900)
    site.words |= {"user": str(number), "group": str(number + 50), "socket": site.daemon.socket}
    os.chown(site.daemon.socket, 0, 0)
    Path(site.daemon.socket).chmod(0o660)
    done = site.docker.quietly("ps", user=_user(site))
    site.typed += [f"$ {site.docker.program} ps", *done.output.splitlines()]


def _allowed(site: Site) -> Iterator[Claim]:
    if not (yield from answered_by_the_daemon(site)):
        return
    group = site.words["group"]
    for member in (_user(site), _user(site, more=1)):
        asked = site.docker.quietly("ps", user=member)
        said = asked.output.strip().rpartition("\n")[2]
        text = say("user {user}, of group {group}, is answered", user=member.uid, group=group)
        yield Claim(text, asked.status == 0, said)
    others = site.docker.quietly("ps", user=_user(site, more=2, is_member=False))
    text = say("a user who is not of that group is refused: whoever may ask this daemon is root")
    yield Claim(text, others.status != 0)


# --- a daemon that was killed


def _kill(site: Site) -> None:
    name = site.words["name"] = site.named("till")
    site.prepares(f"run -d --name {name} --network none busybox sh -c 'while sleep 1; do echo open; done'")
    view = first_process(site, name)
    site.words |= {"pid": str(view.pid), "start": str(procfs.start_time(view.pid))}
    site.daemon.kill()
    site.types("ps")


def _came_back(site: Site) -> Iterator[Claim]:
    if not (yield from answered_by_the_daemon(site)):
        return
    yield from running(site, site.words["name"])
    same = str(procfs.start_time(int(site.words["pid"]))) == site.words["start"]
    yield Claim(say("{name} is the same process as before: it has run all the time", name=site.words["name"]), same)


# --- a socket at which something else listens


def _replace(site: Site) -> None:
    site.words["socket"] = site.daemon.socket
    site.daemon.stop()
    command = python("labcore.lab.faults.impostor", site.daemon.socket)
    impostor = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    site.undo.callback(_end, impostor)
    assert impostor.stdout
    impostor.stdout.readline()
    site.types("ps")


def _end(impostor: "subprocess.Popen[bytes]") -> None:
    with impostor:  # whose standard input is closed by that
        impostor.kill()


SCENARIOS: Final = (
    FaultScenario(
        name="forbidden",
        story=Bilingual(
            "The daemon at {socket} runs. User {user}, who is of group {group}, is to work with it, as is everybody of that "
            "group and nobody else. They type:",
            "{socket} 处的守护进程在运行。用户 {user} 属于 {group} 组，这个组的人要用它，别人都不许用。他输入：",
        ),
        cause=Bilingual(
            "Who may ask a daemon is decided by the file permissions of its socket, and by nothing else: it was root's alone. "
            "`labcore daemon --group` (`dockerd --group`) gives it to a group from the start.",
            "谁能向守护进程发请求，只由套接字文件的权限决定：它原来只属于 root。"
            "`labcore daemon --group`（即 `dockerd --group`）一开始就能把它交给某个组。",
        ),
        breaks=_forbid,
        claims=_allowed,
        can_be=_can_be_asked_by_others,
    ),
    FaultScenario(
        name="killed",
        story=Bilingual(
            "Since noon nobody has got an answer. A container, {name}, counts the money of the day: it must "
            "not be interrupted.",
            "从中午起就没有人得到过应答。容器 {name} 正在计算当天的营业额，不能中断。",
        ),
        cause=Bilingual(
            "The daemon was killed, and has left its socket: a file at which nobody listens. Its containers "
            "do not need it, for "
            "each has a monitor of its own; the new daemon found them.",
            "守护进程被杀死，留下了套接字文件，却没有进程在监听。容器并不依赖它：每个容器都有自己的监控进程，"
            "新的守护进程找到了它们。",
        ),
        breaks=_kill,
        claims=_came_back,
    ),
    FaultScenario(
        name="replaced",
        story=Bilingual(
            "Somebody listens at {socket}, and yet docker does not get on with it:",
            "{socket} 上有进程在监听，可 docker 和它就是谈不拢：",
        ),
        cause=Bilingual(
            "Another program had taken the daemon's place at the socket. A path says nothing about who "
            "listens there; the kernel "
            "does: `ss -xlp`, or /proc/net/unix and /proc/PID/fd.",
            "别的程序占了守护进程的套接字。路径并不能说明是谁在监听，内核才能：`ss -xlp`，或者 /proc/net/unix "
            "加 /proc/PID/fd。",
        ),
        breaks=_replace,
        claims=answered_by_the_daemon,
    ),
)
