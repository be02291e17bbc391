"""Faults of lesson 7: containers that end, do not answer, or do not find one another."""

import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.faults.scenario import FaultScenario, Site, file_of, first_process, logged, running
from labcore.lab.messages import say
from labcore.language import Bilingual

SECONDS: Final = 3.0  # in which what works can be seen to work
MB: Final = 1 << 20


def _state(site: Site) -> str:
    """Return the line that shows how a container is, without times."""
    return f"ps -a --filter name={site.words['name']} --format 'table {{{{.Names}}}}\\t{{{{.State}}}}\\t{{{{.Image}}}}'"


def _wait_until_ended(site: Site) -> None:
    site.prepares(f"wait {site.words['name']}")


def _soon(holds: Callable[[], bool]) -> bool:
    """Return whether something holds before long."""
    deadline = time.monotonic() + SECONDS
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


# --- a variable that is missing


def _unset(site: Site) -> None:
    name = site.words["name"] = site.named("shop")
    variable = site.words["variable"] = site.lots.choice(["DATABASE", "STOCK_URL", "PAYMENTS_AT"])
    site.words["value"] = f"db-{site.lots.randint(100, 999)}.example"
    script = f': "${{{variable}:?is not set}}"; echo "serving from ${variable}"; exec sleep 86400'
    site.types(f"run -d --name {name} --network none busybox sh -c '{script}'")
    _wait_until_ended(site)
    site.types(_state(site))


def _set(site: Site) -> Iterator[Claim]:
    name, variable, value = (site.words[word] for word in ("name", "variable", "value"))
    view = yield from running(site, name)
    if view is None:
        return
    found = [each.partition("=")[2] for each in view.environment if each.startswith(f"{variable}=")]
    yield equal(say("{variable} in its environment", variable=variable), value, "".join(found))
    text = f"serving from {value}"
    yield Claim(say("its log says {text}", text=text), text in logged(site, name))


# --- a file that is missing in a volume


def _empty(site: Site) -> None:
    name = site.words["name"] = site.named("post")
    volume = site.words["volume"] = site.named("letters")
    site.words["text"] = f"to: all, number {site.lots.randint(100, 999)}"
    site.prepares(f"volume create {volume}")
    script = "cat /letters/address && exec sleep 86400"
    site.types(f"run -d --name {name} --network none -v {volume}:/letters busybox sh -c '{script}'")
    _wait_until_ended(site)
    site.types(_state(site))


def _filled(site: Site) -> Iterator[Claim]:
    name = site.words["name"]
    view = yield from running(site, name)
    if view is None:
        return
    with site.client() as client:
        mounts = [mount.name for mount in client.containers.inspect(name).mounts if mount.target == "/letters"]
    yield equal(say("the volume at {path}", path="/letters"), site.words["volume"], "".join(mounts))
    found = file_of(view, "/letters/address").strip()
    yield equal(say("{path} as the container sees it", path="/letters/address"), site.words["text"], found)


# --- a port that another container has


def _taken(site: Site) -> None:
    port = site.words["port"] = str(site.free_port())
    name = site.words["name"] = site.named("front")
    other = site.words["other"] = site.named("trial")
    text = site.words["text"] = f"page {site.lots.randint(1000, 9999)}"
    page = "echo {} > /tmp/index.html; exec httpd -f -p 80 -h /tmp"
    site.prepares(f"run -d --name {other} -p 127.0.0.1:{port}:80 busybox sh -c '{page.format('only a trial')}'")
    site.types(f"run -d --name {name} -p 127.0.0.1:{port}:80 busybox sh -c '{page.format(text)}'")


def _served(site: Site) -> Iterator[Claim]:
    port, text = site.words["port"], site.words["text"]
    if not (yield from running(site, site.words["name"])):
        return
    _soon(lambda: _page(port) == text)
    yield equal(say("the page at 127.0.0.1:{port}", port=port), text, _page(port))


def _page(port: str) -> str:
    connection = HTTPConnection("127.0.0.1", int(port), timeout=SECONDS)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read().decode(errors="replace").strip()
    except OSError:
        return ""
    finally:
        connection.close()


# --- two containers on different networks


def _apart(site: Site) -> None:
    name = site.words["name"] = site.named("web")
    other = site.words["other"] = site.named("db")
    for network, container in (("inner", other), ("outer", name)):
        site.prepares(f"network create --internal {network}")
        site.prepares(f"run -d --name {container} --network {network} busybox sleep 86400")
    site.types(f"exec {name} ping -c 1 -W 2 {other}")


def _together(site: Site) -> Iterator[Claim]:
    name, other = site.words["name"], site.words["other"]
    for each in (name, other):
        if not (yield from running(site, each)):
            return
    with site.client() as client, client.containers.exec(name, ["ping", "-c", "1", "-W", "2", other]) as streams:
        said = b"".join(piece.content for piece in streams).decode(errors="replace").strip()
        addresses = [endpoint.ipv4 for endpoint in client.containers.inspect(other).networks.values()]
    answered = any(f"from {address}:" in said for address in addresses)
    text = say("{name} asks for {other} by that name, and {other} answers", name=name, other=other)
    yield Claim(text, answered, said.rpartition("\n")[2])


# --- a container that is paused


def _still(site: Site) -> None:
    name = site.words["name"] = site.named("clock")
    site.prepares(f"run -d --name {name} --network none busybox sh -c 'while usleep 100000; do echo tick; done'")
    assert _soon(lambda: "tick" in logged(site, name))
    view = first_process(site, name)
    site.words["pid"] = str(view.pid)
    site.prepares(f"pause {name}")
    site.types(f"logs --tail 1 {name}")


def _goes_on(site: Site) -> Iterator[Claim]:
    name = site.words["name"]
    view = yield from running(site, name)
    if view is None:
        return
    yield Claim(
        say("{name} is the same process as before: it has run all the time", name=name), str(view.pid) == site.words["pid"]
    )
    before = view.status("voluntary_ctxt_switches")
    yield Claim(say("the kernel gives it the processor again"), _soon(lambda: view.status("voluntary_ctxt_switches") != before))


# --- a container whose memory is too small


def _can_limit(site: Site) -> bool:
    with site.client() as client:
        return bool(client.system.info().json["MemoryLimit"])


def _starve(site: Site) -> None:
    name = site.words["name"] = site.named("stack")
    needs = site.lots.randint(24, 40)
    site.words |= {"needs": str(needs), "most": "128", "limit": "16"}
    script = f"head -c {needs}m /dev/zero > /dev/shm/data && exec sleep 86400"
    site.types(f"run -d --name {name} --network none -m 16m busybox sh -c '{script}'")
    _wait_until_ended(site)
    site.types(_state(site))


def _fed(site: Site) -> Iterator[Claim]:
    name, most = site.words["name"], int(site.words["most"]) * MB
    view = yield from running(site, name)
    if view is None:
        return
    with site.client() as client:
        limit = int(client.containers.inspect(name).host_config["Memory"])
    yield Claim(say("it still has a limit, of at most {n} MB", n=site.words["most"]), 0 < limit <= most, f"{limit // MB} MB")
    _soon(lambda: _size(view.pid) >= int(site.words["needs"]) * MB)
    yield equal(say("what it holds in memory"), f"{site.words['needs']} MB", f"{_size(view.pid) // MB} MB")


def _size(pid: int) -> int:
    """Return how many bytes a container holds in its /dev/shm."""
    try:
        return Path(f"/proc/{pid}/root/dev/shm/data").stat().st_size
    except OSError:
        return 0


SCENARIOS: Final = (
    FaultScenario(
        name="variable",
        story=Bilingual(
            "{name} is to serve from {value}. It was started, and is not there any more:",
            "{name} 应该从 {value} 取数据。启动之后，它就不见了：",
        ),
        cause=Bilingual(
            "The program wants a variable, {variable}, and ends without it: `docker logs` has its last words. "
            "The environment is "
            "fixed when a container is created, so another one is needed, with `-e`.",
            "程序需要环境变量 {variable}，没有就退出：`docker logs` 留着它最后的话。环境变量在创建容器时就定了，"
            "所以要重新创建一个，带上 `-e`。",
        ),
        breaks=_unset,
        claims=_set,
    ),
    FaultScenario(
        name="file",
        story=Bilingual(
            "{name} takes an address from the volume {volume} and waits for letters. It ends at once. The address should be "
            "`{text}`, in the file `address`.",
            "{name} 从卷 {volume} 读取地址，然后等待信件。它一启动就退出。地址应该是 `{text}`，写在文件 `address` 里。",
        ),
        cause=Bilingual(
            "The volume was empty. It is a directory that outlives its containers: any other container that has it mounted can "
            "write the file, or `docker cp` into the one that has ended.",
            "卷是空的。卷是一个比容器活得更久的目录：任何挂载了它的容器都能写入这个文件，也可以用 `docker cp` "
            "复制到已退出的容器里。",
        ),
        breaks=_empty,
        claims=_filled,
    ),
    FaultScenario(
        name="port",
        story=Bilingual(
            "The page of {name} is awaited at http://127.0.0.1:{port}/, and does not come:",
            "大家在等 http://127.0.0.1:{port}/ 上 {name} 的页面，它却起不来：",
        ),
        cause=Bilingual(
            "A port of the host can be published once, and {other} had it: `docker ps` lists who has which. {name} was created "
            "all the same; `docker start` is enough when the port is free.",
            "主机的一个端口只能发布一次，而它被 {other} 占着：`docker ps` 列出谁占了哪个端口。{name} 其实已经创建好了，"
            "端口空出来后 `docker start` 就行。",
        ),
        breaks=_taken,
        claims=_served,
    ),
    FaultScenario(
        name="network",
        story=Bilingual(
            "{name} and {other} both run, and {name} does not find {other}:",
            "{name} 和 {other} 都在运行，可 {name} 找不到 {other}：",
        ),
        cause=Bilingual(
            "Names are known among containers of one network, and these were on two: `docker inspect` shows which. "
            "`docker network connect` puts a running container on a further one.",
            "容器的名字只在同一个网络里有效，而它们分处两个网络：`docker inspect` 看得到。"
            "`docker network connect` 能把运行中的容器再接到一个网络上。",
        ),
        breaks=_apart,
        claims=_together,
    ),
    FaultScenario(
        name="paused",
        story=Bilingual(
            "{name} ticks ten times a second. It was not stopped, and yet no tick has come for a while. What it has counted is "
            "in its memory alone: it must not be started anew. Its last line:",
            "{name} 每秒嘀嗒十次。没有人停止过它，可是有一阵子没有新的嘀嗒了。它数到多少只存在内存里，不能重新启动。最后一行：",
        ),
        cause=Bilingual(
            "It was paused: the kernel's freezer holds all processes of its cgroup where they are, alive and "
            "without a processor. "
            "`docker ps` says so behind its time.",
            "它被暂停了：内核的 freezer 把它 cgroup 里的所有进程冻结在原地，活着，却得不到处理器。`docker ps` "
            "在运行时间后面标明了这一点。",
        ),
        breaks=_still,
        claims=_goes_on,
    ),
    FaultScenario(
        name="memory",
        story=Bilingual(
            "{name} holds {needs} MB in memory, and on this machine a container may have {most} MB at most. "
            "It ends before it has "
            "begun:",
            "{name} 要在内存里放 {needs} MB，这台机器允许每个容器最多用 {most} MB。它还没开始就结束了：",
        ),
        cause=Bilingual(
            "Its limit was {limit} MB, and the kernel killed what went over it: status 137, and OOMKilled in `docker inspect`. "
            "`docker update -m` changes the limit of a container that is there.",
            "它的上限是 {limit} MB，超过的进程被内核杀死：退出码 137，`docker inspect` 里写着 OOMKilled。"
            "`docker update -m` 能修改已有容器的上限。",
        ),
        breaks=_starve,
        claims=_fed,
        can_be=_can_limit,
    ),
)
