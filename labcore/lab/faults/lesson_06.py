"""Faults of lesson 6: images that do not become a container, because of a registry, a program, or a platform."""

import io
import json
import platform
import shlex
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.faults.scenario import FaultScenario, Site, logged, running
from labcore.lab.installing import foreign_program
from labcore.lab.messages import say
from labcore.lab.registries import LessonRegistry
from labcore.language import Bilingual

DIGITS: Final = len("sha256:") + 12
PLATFORMS: Final = {"x86_64": ("amd64", "arm64"), "aarch64": ("arm64", "amd64")}  # this machine's, and the other one


def _runs(site: Site) -> Iterator[Claim]:
    """The container runs, of the image that was meant, and does its work."""
    name, wanted = site.words["name"], site.words["id"]
    if not (yield from running(site, name)):
        return
    with site.client() as client:
        found = client.containers.inspect(name).image_id
    yield equal(say("the image of {name}", name=name), wanted[:DIGITS], found[:DIGITS])
    yield Claim(say("its log says {text}", text=site.words["text"]), site.words["text"] in logged(site, name))


def _commit(site: Site, image: str, command: list[str]) -> None:
    """Make an image of busybox with another command."""
    change = shlex.quote(f"CMD {json.dumps(command)}")
    site.prepares("create --name made --network none busybox")
    site.prepares(f"commit --change {change} made {image}")
    site.prepares("rm made")
    site.words |= {"image": image, "id": site.prepares(f"image inspect --format {{{{.Id}}}} {image}")}


def _says(site: Site) -> str:
    """Draw what the container says, and return the script for it."""
    greeting = site.lots.choice(["good morning", "at your service", "here we are"])
    text = site.words["text"] = f"{greeting} {site.lots.randint(100, 999)}"
    return f"echo {text}; exec sleep 86400"


# --- a registry that is not there


def _misname(site: Site) -> None:
    name = site.words["name"] = site.named("greeter")
    registry = LessonRegistry(Path(site.daemon.root) / "lab" / "registry")
    site.undo.callback(registry.close)
    image = f"{registry.address}/team/greeting:1.0"
    _commit(site, image, ["sh", "-c", _says(site)])
    site.prepares(f"push {image}")
    site.prepares(f"rmi {image}")
    base = site.words["base"] = f"{registry.address}/team/base:1.0"
    site.prepares(f"tag busybox {base}")
    site.types(f"run -d --name {name} --network none 127.0.0.1:{site.free_port()}/team/greeting:1.0")


# --- a program that is not in the image


def _mistake(site: Site) -> None:
    name = site.words["name"] = site.named("porter")
    _commit(site, "team/porter:1.0", ["bash", "-c", _says(site)])
    site.types(f"run -d --name {name} --network none team/porter:1.0")


# --- an image for another kind of processor


def _foreign(site: Site) -> None:
    here, there = PLATFORMS[platform.machine()]
    name = site.words["name"] = site.named("gauge")
    script = _says(site)
    site.words |= {"there": there, "here": here}
    _commit(site, f"team/gauge:1.0-{here}", ["sh", "-c", script])
    with site.client() as client:
        command = f"CMD {json.dumps(['sh', '-c', script])}"
        archive = _root_of(Path(foreign_program()).read_bytes())
        for _ in client.images.import_archive(
            archive, repository="team/gauge:1.0", platform=f"linux/{there}", changes=(command,)
        ):
            pass
    site.types(f"run -d --name {name} --network none team/gauge:1.0")


def _root_of(program: bytes) -> bytes:
    """Return the archive of a root with one program in it, as `sh` and as `sleep`."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name in ("bin/sh", "bin/sleep"):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(program), 0o755
            tar.addfile(member, io.BytesIO(program))
    return content.getvalue()


SCENARIOS: Final = (
    FaultScenario(
        name="registry",
        story=Bilingual(
            "The registry of the team has moved. {name} is to be started from its image `team/greeting:1.0`; "
            "other images have been "
            "pulled from the new place since, and are here. What the notes of last year say does not work any more:",
            "团队的注册服务器换了地址。要用其中的镜像 `team/greeting:1.0` 启动 {name}；"
            "换地址之后，已经有别的镜像从新地址拉取到了这里。"
            "照着去年的笔记做，行不通了：",
        ),
        cause=Bilingual(
            "The first part of an image's name is the registry's address, and at that one nobody listens any more. "
            "`docker images` shows by which address others were pulled: {image}.",
            "镜像名字的第一段就是注册服务器的地址，而那里已经没有人监听了。`docker images` "
            "能看到别的镜像是从哪个地址拉取的：{image}。",
        ),
        by_docker=True,
        breaks=_misname,
        claims=_runs,
    ),
    FaultScenario(
        name="program",
        story=Bilingual(
            "The new image {image} is here, and its container {name} does not start:",
            "新镜像 {image} 已经在这里，可是它的容器 {name} 启动不了：",
        ),
        cause=Bilingual(
            "The image's command names bash, and the image has no bash. The command is only a list of words "
            "in its configuration "
            "(`docker image inspect`); nobody tries it before the start. Words behind the image's name take "
            "its place: `sh -c …`.",
            "镜像的命令写的是 bash，而镜像里没有 bash。命令只是镜像配置里的一串词（`docker image inspect`），"
            "启动之前没有人试过它。"
            "写在镜像名后面的词会取代它：`sh -c …`。",
        ),
        by_docker=True,
        breaks=_mistake,
        claims=_runs,
    ),
    FaultScenario(
        name="platform",
        story=Bilingual(
            "A stick with images of the team was loaded here, and {name} is to run `team/gauge`. A colleague has tried:",
            "团队的镜像已经从 U 盘载入，要用 `team/gauge` 运行 {name}。一位同事试了试：",
        ),
        cause=Bilingual(
            "That image's programs are for {there}, and this machine's processor is {here}: `docker image inspect --format "
            "{{{{.Architecture}}}}` says it, and the kernel refuses them with ENOEXEC. The tag is a name and "
            "no more; {image} is the one.",
            "那个镜像里的程序是给 {there} 的，而这台机器是 {here}：`docker image inspect --format "
            "{{{{.Architecture}}}}` 看得到，"
            "内核则以 ENOEXEC 拒绝。标签不过是个名字；该用的是 {image}。",
        ),
        by_docker=True,
        breaks=_foreign,
        claims=_runs,
        can_be=lambda _: platform.machine() in PLATFORMS,
    ),
)
