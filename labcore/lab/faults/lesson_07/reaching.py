"""Faults of lesson 7: containers that are not reached: a port is taken, two networks are apart."""

from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Final

from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.faults.lesson_07.looks import SECONDS, soon
from labcore.lab.faults.scenario import FaultScenario, Site, running
from labcore.lab.messages import say
from labcore.language import Bilingual

MB: Final = 1 << 20


# --- port


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
    soon(lambda: _page(port) == text)
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


PORT = FaultScenario(
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
    by_docker=True,
    breaks=_taken,
    claims=_served,
)


# --- network


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


NETWORK = FaultScenario(
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
    by_docker=True,
    breaks=_apart,
    claims=_together,
)
