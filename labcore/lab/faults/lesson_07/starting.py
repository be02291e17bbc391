"""Faults of lesson 7: containers that end as soon as they begin: a variable, a file or memory is missing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.faults.lesson_07.looks import soon, state, wait_until_ended
from labcore.lab.faults.scenario import FaultScenario, Site, file_of, logged, running
from labcore.lab.messages import say
from labcore.language import Bilingual

MB: Final = 1 << 20


# --- variable


def _unset(site: Site) -> None:
    name = site.words["name"] = site.named("shop")
    variable = site.words["variable"] = site.lots.choice(["DATABASE", "STOCK_URL", "PAYMENTS_AT"])
    site.words["value"] = f"db-{site.lots.randint(100, 999)}.example"
    script = f': "${{{variable}:?is not set}}"; echo "serving from ${variable}"; exec sleep 86400'
    site.types(f"run -d --name {name} --network none busybox sh -c '{script}'")
    wait_until_ended(site)
    site.types(state(site))


def _set(site: Site) -> Iterator[Claim]:
    name, variable, value = (site.words[word] for word in ("name", "variable", "value"))
    view = yield from running(site, name)
    if view is None:
        return
    found = [each.partition("=")[2] for each in view.environment if each.startswith(f"{variable}=")]
    yield equal(say("{variable} in its environment", variable=variable), value, "".join(found))
    text = f"serving from {value}"
    yield Claim(say("its log says {text}", text=text), text in logged(site, name))


VARIABLE = FaultScenario(
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
    by_docker=True,
    breaks=_unset,
    claims=_set,
)


# --- file


def _empty(site: Site) -> None:
    name = site.words["name"] = site.named("post")
    volume = site.words["volume"] = site.named("letters")
    site.words["text"] = f"to: all, number {site.lots.randint(100, 999)}"
    site.prepares(f"volume create {volume}")
    script = "cat /letters/address && exec sleep 86400"
    site.types(f"run -d --name {name} --network none -v {volume}:/letters busybox sh -c '{script}'")
    wait_until_ended(site)
    site.types(state(site))


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


FILE = FaultScenario(
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
    by_docker=True,
    breaks=_empty,
    claims=_filled,
)


# --- memory


def _can_limit(site: Site) -> bool:
    with site.client() as client:
        return bool(client.system.info().json["MemoryLimit"])


def _starve(site: Site) -> None:
    name = site.words["name"] = site.named("stack")
    needs = site.lots.randint(24, 40)
    site.words |= {"needs": str(needs), "most": "128", "limit": "16"}
    script = f"head -c {needs}m /dev/zero > /dev/shm/data && exec sleep 86400"
    site.types(f"run -d --name {name} --network none -m 16m busybox sh -c '{script}'")
    wait_until_ended(site)
    site.types(state(site))


def _fed(site: Site) -> Iterator[Claim]:
    name, most = site.words["name"], int(site.words["most"]) * MB
    view = yield from running(site, name)
    if view is None:
        return
    with site.client() as client:
        limit = int(client.containers.inspect(name).host_config["Memory"])
    yield Claim(say("it still has a limit, of at most {n} MB", n=site.words["most"]), 0 < limit <= most, f"{limit // MB} MB")
    soon(lambda: _size(view.pid) >= int(site.words["needs"]) * MB)
    yield equal(say("what it holds in memory"), f"{site.words['needs']} MB", f"{_size(view.pid) // MB} MB")


def _size(pid: int) -> int:
    """Return how many bytes a container holds in its /dev/shm."""
    try:
        return Path(f"/proc/{pid}/root/dev/shm/data").stat().st_size
    except OSError:
        return 0


MEMORY = FaultScenario(
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
    by_docker=True,
    breaks=_starve,
    claims=_fed,
    can_be=_can_limit,
)
