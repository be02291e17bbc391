"""Live questions of lessons 4, 5 and 7: exit statuses, requests and their answers, states, addresses: a daemon is asked."""

import random
import re
import shlex
import socket
from contextlib import closing
from http.client import HTTPConnection
from typing import Final

from labcore.lab.examination.live import MARKED, Live, Site, Words
from labcore.lab.examination.live_kernel import NAMES
from labcore.lab.listening import listen
from labcore.language import Bilingual as T
from labcore.unix_sockets import connect

SECONDS: Final = 30.0
CONTAINERS: Final = ("namespaces", "overlay", "cgroups")
SLEEP: Final = "--network none busybox sleep 3600"

# --- lesson 4: how a command ends


def _ending(lots: random.Random) -> Words:
    code, signal = lots.randint(3, 99), lots.choice(("KILL", "TERM"))  # INT and QUIT a shell's background ignores
    commands = (
        f"sh -c 'false; exit {code}'",
        f"sh -c 'exit {code} | true'",
        f"sh -c 'sleep 60 & kill -{signal} $!; wait $!'",
        f"sh -c 'kill -{signal} $$; exit {code}'",
        lots.choice(NAMES),
        "/etc",
    )
    return {"line": f"run --rm --network none {lots.choice(('', '', '', '--no-such-option '))}busybox {lots.choice(commands)}"}


def _status(words: Words, site: Site) -> str:
    return str(site.docker.quietly(words["line"]).status)


# --- lesson 5: requests


REQUESTS: Final = {
    "create": ("POST", "/containers/create?name={name}", '{{"Image": "busybox", "Cmd": ["sleep", "3600"]}}'),
    "start": ("POST", "/containers/{name}/start", ""),
    "stop": ("POST", "/containers/{name}/stop?t=0", ""),
    "kill": ("POST", "/containers/{name}/kill", ""),
    "pause": ("POST", "/containers/{name}/pause", ""),
    "unpause": ("POST", "/containers/{name}/unpause", ""),
    "remove": ("DELETE", "/containers/{name}", ""),
    "inspect": ("GET", "/containers/{name}/json", ""),
}


def _requests(lots: random.Random) -> Words:
    middle = lots.choice((["start"], ["start", "stop"], ["start", "kill"], [], ["start", "pause"], ["start", "start"]))
    last = lots.choice(("create", "start", "stop", "kill", "unpause", "remove", "inspect"))
    name = f"{MARKED}-{lots.choice(NAMES)}"
    asked = [REQUESTS[each] for each in ("create", *middle, last)]
    lines = [f"{method} {path} {body}".format(name=name).strip() for method, path, body in asked]
    return {"requests": "\n".join(lines), "name": name}


def _last_status(words: Words, site: Site) -> str:
    """Ask one after the other, as curl would; return the last status."""
    status = 0
    try:
        for line in words["requests"].splitlines():
            method, path, body = [*line.split(" ", 2), ""][:3]
            status = _asked(site, method, path, body)
    finally:
        _asked(site, "DELETE", f"/containers/{words['name']}?force=1", "")
    return str(status)


def _asked(site: Site, method: str, path: str, body: str) -> int:
    connection = HTTPConnection("docker", timeout=SECONDS)
    connection.sock = socket.socket(socket.AF_UNIX)
    with closing(connection):
        connect(connection.sock, site.daemon.socket)
        connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        answer = connection.getresponse()
        answer.read()
        return answer.status


COMMANDS: Final = ("pause {name}", "kill {name}", "stop -t 0 {name}", "rename {name} {name}-2", "top {name}", "rm -f {name}",
                   "restart -t 0 {name}", "stats --no-stream {name}", "update -m 64m {name}", "diff {name}")  # fmt: skip


def _command(lots: random.Random) -> Words:
    name = f"{MARKED}-{lots.choice(NAMES)}"
    return {"line": lots.choice(COMMANDS).format(name=name), "name": name}


def _asks(words: Words, site: Site) -> str:
    """Overhear the command; return what it asks of that container at last, without version and query."""
    site.docker.quietly(f"run -d --name {words['name']} {SLEEP}")
    try:
        with listen(site.daemon) as line:
            site.command(line).quietly(words["line"])
            asked = [turn.request.first.split() for turn in line.conversation().turns]
    finally:
        site.docker.quietly(f"rm -f {words['name']} {words['name']}-2")
    method, path, *_ = next(first for first in reversed(asked) if "/containers/" in first[1])
    return f"{method} {re.sub(r'^/v[0-9.]+|[?].*', '', path)}"


# --- lesson 7: what a container has come to


VERBS: Final = ("pause", "unpause", "stop -t 0", "start", "kill", "restart -t 0")


def _verbs(lots: random.Random) -> Words:
    name = f"{MARKED}-{lots.choice(NAMES)}"
    first = lots.choice((f"create --name {name} {SLEEP}", f"run -d --name {name} {SLEEP}"))
    lines = [first, *(f"{lots.choice(VERBS)} {name}" for _ in range(lots.randint(2, 4)))]
    return {"lines": "\n".join(f"docker {line}" for line in lines), "name": name}


def _state(words: Words, site: Site) -> str:
    try:
        for line in words["lines"].splitlines():
            site.docker.quietly(line.removeprefix("docker "))
        return site.docker.quietly(f"inspect -f {shlex.quote('{{.State.Status}}')} {words['name']}").output.strip()
    finally:
        site.docker.quietly(f"rm -f {words['name']}")


LIVE: Final = {
    "ending": Live(
        4,
        T("What is the exit status of this?\n\ndocker {line}", "这条命令的退出状态是几？\n\ndocker {line}"),
        _ending,
        _status,
        T(
            "125: docker; 126 and 127: no such program; 128 + n: a signal. Process 1 ignores most signals.",
            "125：docker 自己；126、127：程序不能执行或找不到；128 + n：信号。1 号进程不理会多数信号。",
        ),
        CONTAINERS,
    ),
    "status": Live(
        5,
        T(
            "These requests are sent, one after the other. Which status has the last answer?\n\n{requests}",
            "依次发出下面的请求，最后一个应答的状态码是几？\n\n{requests}",
        ),
        _requests,
        _last_status,
        T(
            "304: it is so already; 404: no such thing; 409: not in this state.",
            "304：本来就是这样；404：没有这个东西；409：当前状态不允许。",
        ),
        CONTAINERS,
    ),
    "request": Live(
        5,
        T(
            "Container {name} runs. What does `docker {line}` ask of it: which method and path, without the version and what "
            "stands behind a question mark? (As `GET /containers/{name}/json`.)",
            "容器 {name} 正在运行。`docker {line}` 对它发出什么请求？写出方法和路径，不要版本号，也不要问号后面的部分。"
            "（形如 `GET /containers/{name}/json`。）",
        ),
        _command,
        _asks,
        T("Most verbs have a request of their own.", "多数命令都有自己的请求。"),
        CONTAINERS,
    ),
    "state": Live(
        7,
        T(
            "What is the state of {name} after these, as docker inspect names it? (Some may be refused.)\n\n{lines}",
            "执行这些命令之后，{name} 处于什么状态？用 docker inspect 里的词。（有的命令可能被拒绝。）\n\n{lines}",
        ),
        _verbs,
        _state,
        T(
            "created, running, paused, exited: and each verb is allowed in some of them only.",
            "created、running、paused、exited：每个命令只在其中几种状态下允许。",
        ),
        CONTAINERS,
    ),
}
